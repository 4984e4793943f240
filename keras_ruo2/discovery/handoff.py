"""To DFT and back: POSCAR folders out, energies in."""

import re
from pathlib import Path

import ase.io
import numpy as np

from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.cells import with_energy

OUTPUTS = ("vasprun.xml", "OUTCAR", "*.extxyz", "*.traj")  # what energies are read from, in order
TEXT = """Structures for DFT, the most promising first; see ranking.csv one folder up.
Each folder holds a POSCAR (atoms sorted by species; frozen atoms by selective dynamics). Add your
own INCAR, KPOINTS and POTCAR; spin and dipole corrections are yours to decide. Energies come back:

    python -m keras_ruo2 discover --out={out} --dft=THIS_FOLDER --dft_references=FILE

reads {outputs} of each folder. FILE holds bulk RuO2 and O2 (and hcp Ru) with energies of the same
settings, as ASE reads them.
"""


def folder_of(number, atoms):
    """Return the name of a structure's folder."""
    return f"{number:03d}-{re.sub(r'[^A-Za-z0-9._-]+', '_', str(atoms.info['name']))}"


def write_inputs(folder, structures, out):
    """Write a POSCAR folder for each structure.

    Args:
        folder: Where to; made anew if it is not there.
        structures: `ase.Atoms` with a name, the best first.
        out: The folder of `discover`, for the advice.

    Returns:
        List of the folders' names.
    """
    names = []
    for number, atoms in enumerate(structures, start=1):
        name = folder_of(number, atoms)
        (folder / name).mkdir(parents=True, exist_ok=True)
        bare = atoms[np.argsort(atoms.get_chemical_symbols(), kind="stable")]
        bare.wrap()
        ase.io.write(folder / name / "POSCAR", bare, format="vasp", direct=True)
        names.append(name)
    if names:
        text = TEXT.format(out=out, outputs=", ".join(OUTPUTS))
        (folder / "README.txt").write_text(text, encoding="utf-8")
    return names


def read_energies(folder, structures):
    """Read the energies that DFT gave for structures that `write_inputs` handed over.

    Args:
        folder: Folder with the same names below it, each with an output that ASE reads.
        structures: The structures, in the order of `write_inputs`.

    Returns:
        List of `(index, ase.Atoms)`: those that have an output, with DFT's geometry and energy
        and the `info` of the structure without its calculator's.

    Raises:
        ConfigError: If no energy is found, or one belongs to another composition.
    """
    found = []
    for number, atoms in enumerate(structures, start=1):
        path = output_in(Path(folder) / folder_of(number, atoms))
        if path is not None:
            found.append((number - 1, read_output(path, atoms)))
    if not found:
        raise ConfigError(
            f"--dft={folder} holds no output of {len(structures)} structures. Expected e.g. "
            f"{folder_of(1, structures[0]) if structures else '001-NAME'}/vasprun.xml."
        )
    return found


def output_in(folder):
    """Return the first of `OUTPUTS` in a folder, or `None`."""
    for pattern in OUTPUTS:
        for path in sorted(folder.glob(pattern)):
            return path
    return None


def read_output(path, atoms):
    """Return the last structure of an output with its energy and the provenance of `atoms`."""
    try:
        result = ase.io.read(path, index=-1)
        energy = result.get_potential_energy()
    except Exception as error:  # ASE's readers raise whatever their format makes them raise
        raise ConfigError(f"{path} holds no energy that ASE can read ({error!r}).") from None
    if result.get_chemical_formula() != atoms.get_chemical_formula():
        raise ConfigError(
            f"{path} is {result.get_chemical_formula()}, but {atoms.info['name']} is "
            f"{atoms.get_chemical_formula()}. Put each output into the folder of its POSCAR."
        )
    dropped = ("calculator", "calculator_version", "correction")
    result.info = {key: value for key, value in atoms.info.items() if key not in dropped}
    return with_energy(result, energy)
