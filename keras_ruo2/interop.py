"""pymatgen's structures in and out. pymatgen is imported when it is used: extra `screen`."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ase import Atoms

from keras_ruo2.errors import ConfigError
from keras_ruo2.extras import install
from keras_ruo2.structure.cells import energy_of, with_energy

ENERGY = "energy"  # the property of a pymatgen structure that holds it, eV
PER_ATOM = ("confidence", "expected_error", "layer")  # arrays that become site properties


def from_pymatgen(structure: Any) -> Atoms:
    """Return a pymatgen `Structure` or `Slab` as `ase.Atoms`.

    Args:
        structure: Ordered, with its vacuum along the third lattice vector. Its `properties` become
            `info`, `energy` becomes the energy, and of a `Slab` its Miller index becomes `facet`.

    Returns:
        `ase.Atoms`, periodic in three directions.

    Raises:
        ConfigError: If sites are partly occupied.
    """
    if not structure.is_ordered:
        raise ConfigError(
            f"{structure.composition.reduced_formula} has partly occupied sites. Expected one "
            "species on each: pymatgen's OrderDisorderedStructureTransformation orders them."
        )
    atoms = Atoms(
        [site.specie.symbol for site in structure],
        cell=structure.lattice.matrix,
        scaled_positions=structure.frac_coords,
        pbc=True,
    )
    properties = dict(structure.properties)
    energy = properties.pop(ENERGY, None)
    atoms.info |= properties
    miller = getattr(structure, "miller_index", None)
    if miller is not None and "facet" not in atoms.info:
        atoms.info["facet"] = f"({''.join(map(str, miller))})"
    for name, values in structure.site_properties.items():
        if name != "selective_dynamics" and all(value is not None for value in values):
            atoms.set_array(name, np.array(values))
    return atoms if energy is None else with_energy(atoms, float(energy))


def to_pymatgen(atoms: Atoms) -> Any:
    """Return `ase.Atoms` as a pymatgen `Structure`; `info` and the energy become `properties`.

    Raises:
        ConfigError: If pymatgen is not installed.
    """
    check_pymatgen()
    from pymatgen.core import Structure

    properties = dict(atoms.info)
    energy = energy_of(atoms)
    if energy is not None:
        properties[ENERGY] = float(energy)
    sites = {name: atoms.arrays[name].tolist() for name in PER_ATOM if name in atoms.arrays}
    return Structure(
        atoms.cell.array,
        atoms.get_chemical_symbols(),
        atoms.get_scaled_positions(wrap=False),
        site_properties=sites or None,
        properties=properties,
    )


def to_pymatgen_slab(atoms: Atoms, miller_index: Sequence[int] | None = None) -> Any:
    """Return `ase.Atoms` as a pymatgen `Slab`.

    Args:
        atoms: A slab, its vacuum along the third cell vector.
        miller_index: Three integers; by default those of `info["recognised_facet"]` or
            `info["facet"]`.

    Raises:
        ConfigError: If pymatgen is not installed, or the facet is not known.
    """
    structure = to_pymatgen(atoms)
    from pymatgen.core.surface import Slab

    miller = tuple(miller_index or miller_of(atoms.info))
    slab = Slab(
        structure.lattice,
        structure.species,
        structure.frac_coords,
        miller,
        oriented_unit_cell=structure,
        shift=0,
        scale_factor=np.eye(3, dtype=int),
        site_properties=structure.site_properties,
        energy=structure.properties.get(ENERGY),
    )
    slab.properties = structure.properties
    return slab


def miller_of(info: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the Miller index that a structure's `info` names."""
    for name in ("recognised_facet", "facet"):
        digits = str(info.get(name, "")).strip("()")
        if len(digits) == 3 and digits.isdigit():
            return tuple(map(int, digits))
    raise ConfigError(
        "The facet is not known: `info` has no `facet` such as '(110)'. Give "
        "miller_index=(1, 1, 0), or screen the structure first."
    )


def as_atoms(structure: Any) -> Atoms:
    """Return what is given as `ase.Atoms`: itself, or what a pymatgen structure holds."""
    if isinstance(structure, Atoms):
        return structure
    if hasattr(structure, "lattice") and hasattr(structure, "frac_coords"):
        return from_pymatgen(structure)
    raise ConfigError(
        f"Expected ase.Atoms or a pymatgen Structure or Slab, got {type(structure).__name__}. Read "
        "files with ase.io.read or pymatgen's Structure.from_file first."
    )


def check_pymatgen() -> None:
    """Raise `ConfigError` if pymatgen is not installed."""
    if importlib.util.find_spec("pymatgen") is None:
        raise ConfigError(f"pymatgen is not installed. Install it: {install('screen')}")
