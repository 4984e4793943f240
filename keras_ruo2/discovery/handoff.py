"""To DFT and back: POSCAR folders out, energies in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.data import atomic_numbers, reference_states

from keras_ruo2.discovery.outputs import ELECTRONS, OUTPUTS, output_in, read_output
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import atomic_write, write_text
from keras_ruo2.species import SPECIES, Pair, formula, renamed
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.crystals import rutile_ruo2
from keras_ruo2.structure.validity import broken

LONGEST_NAME = 100  # letters of a structure's name in that of its folder; disks take 255 bytes
REFERENCES = "references"  # the folder of what the slabs' energies are relative to
BOX = (12.0, 13.0, 14.0)  # Å around the molecule, unequal so that its ground state can form
BOND = 1.21  # Å, of O2 (Huber and Herzberg, 1979)
HCP: dict[str, Any] = {"a": 2.706, "c": 4.282}  # Å, of Ru (Wyckoff, Crystal Structures, 1963)
TEXT = """Structures for DFT, the most promising first; see ranking.csv one folder up.
Each folder holds a POSCAR (atoms sorted by species; frozen atoms by selective dynamics). Add your
own INCAR, KPOINTS and POTCAR, or let ASE convert POSCAR for another code; spin and dipole
corrections are yours to decide.

{references}/ holds what the slabs are compared with. Compute it with the same functional, cut-off
and pseudopotentials:
    RuO2  bulk, its cell relaxed as well (here the measured one)
    O2    a molecule in a box, spin-polarised: a triplet; only the atoms relaxed
    Ru    hcp metal, its cell relaxed as well; it says where RuO2 decomposes and may be left out

Energies come back:

    python -m keras_ruo2 discover --out={out} --dft=THIS_FOLDER

reads {outputs} of each folder, the first that is there (VASP, Quantum
ESPRESSO, FHI-aims, or anything as extxyz). --dft_references=FILE gives references from elsewhere.
Runs whose electrons did not converge are left out and named; unrelaxed ones are named.
"""


def reference_inputs(species: Pair = SPECIES) -> dict[str, Atoms]:
    """Return the references as a dict of folder names to `ase.Atoms`.

    Of other oxides the lattice is a start; metals that ASE cannot build are left out.
    """
    gas = Atoms("O2", [[0, 0, 0], [0, 0, BOND]], cell=BOX, pbc=True)
    gas.center()
    crystals = {formula(species): rutile_ruo2(species=species), "O2": gas}
    metal, state = species[0], reference_states[atomic_numbers[species[0]]] or {}
    if species == SPECIES:
        crystals[metal] = bulk(metal, "hcp", **HCP)
    elif state.get("symmetry") in ("fcc", "hcp", "bcc"):
        crystals[metal] = bulk(metal)
    return crystals


def folder_of(number: int, atoms: Atoms) -> str:
    """Return the name of a structure's folder."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", str(atoms.info["name"]))
    return f"{number:03d}-{name[:LONGEST_NAME]}"


def write_inputs(
    folder: Path, structures: Sequence[Atoms], out: Path, species: Pair = SPECIES
) -> list[str]:
    """Write a POSCAR folder for each structure.

    The references that DFT needs stand beside them in `REFERENCES`.

    Args:
        folder: Where to; made anew if it is not there.
        structures: `ase.Atoms` with a name, the best first.
        out: The folder of `discover`, for the advice.
        species: Metal and anion.

    Returns:
        List of the folders' names.
    """
    names = []
    for number, atoms in enumerate(structures, start=1):
        name = folder_of(number, atoms)
        write_poscar(folder / name, atoms)
        names.append(name)
    if names:
        for name, atoms in reference_inputs(species).items():
            write_poscar(folder / REFERENCES / name, atoms)
        text = TEXT.format(out=out, outputs=", ".join(OUTPUTS), references=REFERENCES)
        write_text(folder / "README.txt", renamed(text, species))
    return names


def write_poscar(folder: Path, atoms: Atoms) -> None:
    """Write a POSCAR whose atoms are sorted by species."""
    folder.mkdir(parents=True, exist_ok=True)
    bare = atoms[np.argsort(atoms.get_chemical_symbols(), kind="stable")]
    bare.wrap()
    with atomic_write(folder / "POSCAR") as path:
        ase.io.write(path, bare, format="vasp", direct=True)


def read_energies(
    folder: Path, structures: Sequence[Atoms]
) -> tuple[list[tuple[int, Atoms]], list[str]]:
    """Read the energies that DFT gave for structures that `write_inputs` handed over.

    Args:
        folder: Folder with the same names below it, each with an output that ASE reads.
        structures: The structures, in the order of `write_inputs`.

    Returns:
        `(computed, left_out)`: a list of `(index, ase.Atoms)`, those with an output, with DFT's
        geometry and energy, the `info` of the structure without its calculator's, and what is
        wrong with the run in `info["dft_flaws"]` (or `no`); and a list of texts about runs whose
        electrons did not converge, or that left no whole slab.

    Raises:
        ConfigError: If no energy is found, or one belongs to another composition.
    """
    computed, left_out = [], []
    for number, atoms in enumerate(structures, start=1):
        path = output_in(Path(folder) / folder_of(number, atoms))
        if path is None:
            continue
        result, flaws = read_output(path)
        if result is None or ELECTRONS in flaws:
            left_out.append(f"{atoms.info['name']} ({path.name}: {', '.join(flaws)})")
            continue
        check_formula(path, result, atoms)
        energy, died = result.get_potential_energy(), broken(result)
        if died or not np.isfinite(energy):
            reason = ", ".join(died) or f"its energy is {energy}"
            left_out.append(f"{atoms.info['name']} ({path.name}: {reason})")
            continue
        dropped = ("calculator", "calculator_version", "correction")
        result.info = {key: value for key, value in atoms.info.items() if key not in dropped}
        result.info["dft_flaws"] = ", ".join(flaws) or "no"
        computed.append((number - 1, with_energy(result, energy)))
    if not computed:
        expected = folder_of(1, structures[0]) if structures else "001-NAME"
        lost = f" Left out: {'; '.join(left_out)}." if left_out else ""
        raise ConfigError(
            f"--dft={folder} holds no usable output of {len(structures)} structures. Expected e.g. "
            f"{expected}/vasprun.xml.{lost}"
        )
    return computed, left_out


def check_formula(path: Path, result: Atoms, atoms: Atoms) -> None:
    """Raise `ConfigError` unless an output is of the composition that was handed over."""
    if result.get_chemical_formula() != atoms.get_chemical_formula():
        raise ConfigError(
            f"{path} is {result.get_chemical_formula()}, but {atoms.info['name']} is "
            f"{atoms.get_chemical_formula()}. Put each output into the folder of its POSCAR."
        )


def read_reference_outputs(folder: Path, species: Pair = SPECIES) -> list[Atoms]:
    """Return the references computed in the folder that `write_inputs` made for them.

    Args:
        folder: That of the slabs' results.
        species: Metal and anion.

    Returns:
        List of `ase.Atoms` with energies; of metal, which may be left out, there may be none.

    Raises:
        ConfigError: If the oxide or O2 is missing or did not converge.
    """
    computed = []
    for name in reference_inputs(species):
        place = Path(folder) / REFERENCES / name
        path = output_in(place)
        if path is None:
            if name == species[0]:
                continue
            raise ConfigError(
                f"{place} holds no output. Compute it with the settings of the slabs, or give "
                "--dft_references=FILE."
            )
        atoms, flaws = read_output(path)
        if atoms is None or ELECTRONS in flaws:
            raise ConfigError(f"{path}: {', '.join(flaws)}. A reference must be converged.")
        computed.append(with_energy(atoms, atoms.get_potential_energy()))
    return computed
