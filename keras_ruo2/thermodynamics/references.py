"""What a phase diagram is made of: slabs with energies of one method, and its references."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms

from keras_ruo2.config import DiscoverConfig, PhaseDiagramConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.io import messages
from keras_ruo2.io.paths import shown
from keras_ruo2.io.structures import name_of, read_structures
from keras_ruo2.species import SPECIES, Pair, formula
from keras_ruo2.structure.cells import SLAB_GAP, potential_energy
from keras_ruo2.structure.checks import check_species
from keras_ruo2.structure.door import ADVICE, check_energy, check_structure, usable_structures
from keras_ruo2.structure.energies import USABLE
from keras_ruo2.structure.plausible import gap_across
from keras_ruo2.thermodynamics.surface import References, known_references


def read_slabs(
    path: Path, skip: bool = False, check: Callable[[Atoms], None] = check_structure
) -> list[Atoms]:
    """Read slabs with energies; those whose relaxation failed are left out and counted.

    Args:
        path: File, folder or pattern.
        skip: Leave out damaged structures too, and list them.
        check: What each must pass, see `door.usable_structures`.

    Raises:
        ConfigError: If a structure cannot be used or has no energy; the first one is named.
    """
    return usable_slabs(path, read_structures(path), skip, check)


def usable_slabs(
    path: str | Path,
    structures: Sequence[Atoms],
    skip: bool = False,
    check: Callable[[Atoms], None] = check_structure,
    advice: str = ADVICE,
) -> list[Atoms]:
    """Return slabs with energies, named; `path` is where they come from, for messages.

    Raises:
        ConfigError: As `read_slabs` does.
    """
    slabs = usable_structures(
        path, without_failures(path, structures), skip=skip, check=check, advice=advice
    )
    lacking = [number for number, slab in enumerate(slabs) if potential_energy(slab) is None]
    if lacking:
        raise ConfigError(
            f"{path}: {len(lacking)} of {len(slabs)} structures have no energy, first structure "
            f"{lacking[0]} ({name_of(slabs[lacking[0]], lacking[0])}). Compute energies first: "
            "python -m keras_ruo2 relax."
        )
    for number, slab in enumerate(slabs):
        slab.info["name"] = name_of(slab, number)
    return slabs


def without_failures(path: str | Path, slabs: Sequence[Atoms]) -> list[Atoms]:
    """Return the slabs that `relax` did not give up, or never saw; say what was left out."""
    kept = [slab for slab in slabs if failure_of(slab) in USABLE]
    failed = [failure_of(slab) for slab in slabs if failure_of(slab) not in USABLE]
    lost = Counter(name for names in failed for name in names.split())
    if not kept:
        raise ConfigError(
            f"{path}: the relaxation of all {len(slabs)} structures failed ({counted(lost)})."
        )
    if lost:
        messages.info(
            f"{shown(path)}: left out {len(failed)} structures whose relaxation failed: "
            f"{counted(lost)}."
        )
    return kept


def failure_of(slab: Atoms) -> str:
    """Return what went wrong when the slab was relaxed, `no` if nothing or if it never was."""
    return str(slab.info.get("relax_failures", "no"))


def counted(names: Counter[str]) -> str:
    """Return the counts of a `Counter` as text."""
    return ", ".join(f"{name} {count}" for name, count in names.most_common())


def check_vacuum(slabs: Iterable[Atoms], species: Pair = SPECIES) -> None:
    """Raise `ConfigError` for a crystal without surfaces, which would seem to cost nothing."""
    for slab in slabs:
        check_species(slab, species)
        if gap_across(slab, 2) < SLAB_GAP:
            raise ConfigError(
                f"{slab.info['name']} ({slab.get_chemical_formula()}) has no vacuum of {SLAB_GAP} "
                "Å across its third cell vector. Give slabs only."
            )


def method_of(atoms: Atoms) -> tuple[str, str]:
    """Return `(calculator, correction)` as the structure names them."""
    return str(atoms.info.get("calculator", "")), str(atoms.info.get("correction", ""))


def method_text(method: Iterable[str]) -> str:
    """Return a method as messages show it."""
    return ", ".join(filter(None, method)) or "(not named)"


def common_method(slabs: Iterable[Atoms]) -> tuple[str, str]:
    """Return the one method of all `slabs`, or raise `ConfigError`."""
    methods = sorted({method_of(slab) for slab in slabs})
    if len(methods) > 1:
        raise ConfigError(
            f"Energies of {len(methods)} calculators cannot be compared: "
            f"{'; '.join(map(method_text, methods))}. Give slabs of one."
        )
    return methods[0]


def given_references(config: PhaseDiagramConfig | DiscoverConfig) -> References | None:
    """Return the `References` of --bulk_energy and the others, or `None` without them."""
    if config.bulk_energy is None or config.oxygen_energy is None:
        return None
    return References(config.bulk_energy, config.oxygen_energy, config.metal_energy, config.pair)


def find_references(
    config: PhaseDiagramConfig, method: tuple[str, str], beside: Collection[tuple[str, str]] = ()
) -> References:
    """Return the `References` for slabs of `method`, or raise `ConfigError`.

    Args:
        config: `PhaseDiagramConfig`.
        method: `(calculator, correction)` of the slabs.
        beside: Other methods, whose references the same file may hold.
    """
    given = given_references(config)
    if given is not None:
        return given
    if config.references is not None:
        known = known_references(method, config.pair)
        return read_references(config.references, method, beside, known, config.pair)
    found = known_references(method, config.pair)
    if found:
        return found
    raise ConfigError(
        f"No reference energies are known for the calculator {method_text(method)}. Give bulk "
        f"{formula(config.pair)} and O2 by it: --references=FILE (data_prep references writes "
        "one), or --bulk_energy and --oxygen_energy."
    )


def check_reference(where: str, atoms: Atoms, kind: str, species: Pair) -> None:
    """Raise `ConfigError` for a slab in place of a crystal, or another gas in place of O2.

    Args:
        where: File and number, for messages.
        atoms: `ase.Atoms`.
        kind: `oxygen`, `metal` or `bulk`.
        species: Metal and anion of the oxide.
    """
    if kind == "oxygen" and len(atoms) != 2:
        raise ConfigError(
            f"{where} is {atoms.get_chemical_formula()}. Expected one {species[1]}2 molecule."
        )
    crystal = kind != "oxygen" and atoms.cell.rank == 3
    if crystal and max(gap_across(atoms, axis) for axis in range(3)) > SLAB_GAP:
        raise ConfigError(
            f"{where} ({atoms.get_chemical_formula()}) has an empty stretch of more than "
            f"{SLAB_GAP} Å. Expected a bulk crystal, no slab."
        )


def read_references(
    path: Path,
    method: tuple[str, str],
    beside: Collection[tuple[str, str]] = (),
    known: References | None = None,
    species: Pair = SPECIES,
) -> References:
    """Read a file of references and return what `references_among` finds in it."""
    return references_among(
        path, read_slabs(path, check=check_energy), method, beside, known, species
    )


def references_among(
    path: Path,
    frames: Iterable[Atoms],
    method: tuple[str, str],
    beside: Collection[tuple[str, str]] = (),
    known: References | None = None,
    species: Pair = SPECIES,
) -> References:
    """Tell bulk RuO2, O2 and, if there, hcp Ru, or their like, apart by their composition.

    Args:
        path: Where they come from, for messages.
        frames: `ase.Atoms` with energies.
        method: Whose references are wanted.
        beside: Other methods, whose references are passed over; those of any other are refused.
        known: `References` to return where the file has none of `method`, only those of others.
        species: Metal and anion of the oxide.
    """
    found, (metal, _) = {}, species
    for number, atoms in enumerate(frames):
        if method_of(atoms) in beside:
            continue
        if method_of(atoms) != method:
            raise ConfigError(
                f"{path}, structure {number}: its calculator is {method_text(method_of(atoms))}, "
                f"that of the slabs {method_text(method)}. Give references of the same calculator."
            )
        num_ru, num_o = (int(np.sum(atoms.symbols == symbol)) for symbol in species)
        kind = "oxygen" if not num_ru else "metal" if not num_o else "bulk"
        if num_ru + num_o != len(atoms) or (kind == "bulk" and num_o != 2 * num_ru):
            raise ConfigError(
                f"{path}, structure {number} is {atoms.get_chemical_formula()}. Expected bulk "
                f"{formula(species)}, O2 or {metal}."
            )
        check_reference(f"{path}, structure {number}", atoms, kind, species)
        if kind in found:
            raise ConfigError(
                f"{path}, structure {number} is {atoms.get_chemical_formula()}, a second reference "
                f"of {method_text(method)} for the same. Give one of each."
            )
        energy = potential_energy(atoms)
        if energy is None:
            raise ConfigError(f"{path}, structure {number} has no energy.")
        found[kind] = energy / (num_o if kind == "oxygen" else num_ru)
    if not found and known is not None:
        return known
    missing = [kind for kind in ("bulk", "oxygen") if kind not in found]
    if missing:
        by = f" by {method_text(method)}" if beside else ""
        raise ConfigError(
            f"{path} holds no {' and no '.join(missing)} reference{by}. Add "
            f"{formula(species)} and O2."
        )
    return References(**found, species=species)
