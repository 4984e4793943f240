"""The pictures of `discover`'s report: samples, and a phase diagram whatever came of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ase import Atoms

from keras_ruo2.discovery.funnel import is_first_of_kind, is_rankable
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.frames import write_frames
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.thermodynamics.diagram import rank_slabs
from keras_ruo2.thermodynamics.phase_diagram import write_diagram
from keras_ruo2.thermodynamics.references import given_references, method_of

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.config import DiscoverConfig
    from keras_ruo2.discovery.report import Results


def draw_discovery_pictures(
    config: DiscoverConfig, results: Sequence[Results], known: Sequence[Atoms], notes: list[str]
) -> list[tuple[Path, str]]:
    """Return pictures with captions: samples, and the phase diagram.

    It holds the generator's relaxed slabs and, beside them, the known ones of the same calculator;
    where none of the generator's is left, the known ones alone.

    Args:
        config: `DiscoverConfig`.
        results: `Results` of each method.
        known: The reference slabs.
        notes: List of texts, which gains why there is no diagram, or what is not in it.
    """
    pictures = []
    samples = config.out / "generated" / "pictured.png"
    if samples.exists():
        pictures.append((samples, "Generated grids, their highest densities along y and along z."))
    survivors = [
        atoms for atoms in results[0].relaxed if is_rankable(atoms) and is_first_of_kind(atoms)
    ]
    slabs: Sequence[Atoms] = survivors
    beside: Sequence[Atoms] = ()
    if survivors:
        write_frames(config.out / "generated" / "survivors.extxyz", survivors)
        references = given_references(config)
        alike = any(method_of(slab) == method_of(survivors[0]) for slab in known)
        beside = known if alike else ()
        caption = "Surface free energies of the generator's relaxed slabs, known slabs dotted."
    else:
        slabs = known_alone(config, known)
        references = given_references(config) if by_the_calculator(results, known) else None
        caption = "Surface free energies of the known slabs; none of the generator's is left."
        notes.append("None of the generator's structures is left: the phase diagram shows known")
        notes[-1] += " slabs only."
    folder = config.out / "phase_diagram"
    try:
        diagram = rank_slabs(slabs, beside, references=references, species=config.pair)
        write_diagram(folder, diagram)
    except ConfigError as error:
        notes.append(f"No phase diagram: {error}")
        return pictures
    return [(folder / "phase_diagram.png", caption), *pictures]


def known_alone(config: DiscoverConfig, known: Sequence[Atoms]) -> Sequence[Atoms]:
    """Write the known slabs that have energies to a file of their own, and return them."""
    slabs = [slab for slab in known if potential_energy(slab) is not None] or known
    write_frames(config.out / "generated" / "known.extxyz", slabs)
    return slabs


def by_the_calculator(results: Sequence[Results], known: Sequence[Atoms]) -> bool:
    """Say whether the known slabs are by the calculator that reference energies were given of."""
    methods = {method_of(atoms) for result in results for atoms in result.relaxed}
    return not methods or bool(known) and method_of(known[0]) in methods
