"""The genetic algorithm of `discover`: generations that pass through the same stages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from ase import Atoms

from keras_ruo2.config import RelaxConfig
from keras_ruo2.discovery.evolution import breed, fittest, shares
from keras_ruo2.discovery.funnel import is_rankable, mark_first_of_kind
from keras_ruo2.discovery.ranking import references_of
from keras_ruo2.discovery.report import Results
from keras_ruo2.io.frames import write_frames, write_or_empty
from keras_ruo2.io.workfolder import frames, stage
from keras_ruo2.relaxation.batch import relax_file
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.thermodynamics.references import method_of
from keras_ruo2.thermodynamics.surface import oxygen_range

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.config import DiscoverConfig


def run_genetic(
    folder: Path,
    config: DiscoverConfig,
    make_slabs: Callable[[], list[Atoms]],
    take_through: Callable[..., Path],
    screen_all: Callable[[Path, Path], None],
) -> Results:
    """Take generation after generation through all stages; return the `Results` of all of them.

    Draws and relaxations of one method are divided among the generations. Each generation's valid
    slabs compete with their parents. The files of all generations together are written as those
    of the other methods are, and screened once more, so that copies are found across generations.

    Args:
        folder: Of this method.
        config: `DiscoverConfig`.
        make_slabs: Function that returns the known slabs to begin with.
        take_through: Function of a folder, a function that writes the drawn structures to a path,
            the number of relaxations, and the number of the first structure.
        screen_all: Function of a path and an output path.
    """
    parents = stage(
        folder / "parents.extxyz", lambda path: evaluate_known(config, make_slabs, path)
    )
    alive = [slab for slab in frames(parents) if potential_energy(slab) is not None]
    references = references_of(config, method_of(alive[0]))
    middle = sum(oxygen_range(references)) / 2
    relaxed = shares(config.relaxations)
    draws = shares(config.count, len(relaxed))
    parts, first = [], 0
    for number, (relaxations, drawn) in enumerate(zip(relaxed, draws, strict=True), start=1):
        alive = fittest(alive, references, middle)
        here = folder / f"generation_{number}"

        def draw(
            path: Path,
            alive: Sequence[Atoms] = alive,
            drawn: int = drawn,
            number: int = number,
            first: int = first,
        ) -> None:
            write_frames(path, breed(alive, drawn, config.seed, number, first))

        last = take_through(here, draw, relaxations, first)
        alive = alive + [
            inherit(atoms) for atoms in mark_first_of_kind(frames(last)) if is_rankable(atoms)
        ]
        parts.append(here)
        first += drawn
    for name in ("1_atoms", "3_chosen", "4_relaxed"):
        stage(folder / f"{name}.extxyz", partial(join_generations, parts, name))
    for source, name in (("1_atoms", "2_screened"), ("4_relaxed", "5_screened")):
        joined = folder / f"{source}.extxyz"
        stage(folder / f"{name}.extxyz", partial(screen_all, joined))
    stages = [
        mark_first_of_kind(frames(folder / f"{name}.extxyz"))
        for name in ("2_screened", "5_screened")
    ]
    return Results("genetic", *stages)


def evaluate_known(
    config: DiscoverConfig, make_slabs: Callable[[], list[Atoms]], path: Path
) -> None:
    """Write the known slabs, as they are, with energies of the calculator; none is relaxed."""
    bare = path.with_name("known.extxyz")
    slabs = make_slabs()
    for slab in slabs:
        slab.info = {"name": slab.info["name"]}
    write_frames(bare, slabs)
    alone: dict[str, Any] = {
        "calculator": config.calculator,
        "trust": config.trust,
        "seconds": config.seconds,
        "steps": 0,
    }
    relax_file(RelaxConfig(structures=bare, out=path, **alone))


def inherit(atoms: Atoms) -> Atoms:
    """Return a relaxed slab as a parent: inside its cell, with its energy and name."""
    parent = atoms.copy()
    parent.wrap()
    parent.calc = atoms.calc
    parent.info = {"name": atoms.info["name"]}
    return parent


def join_generations(parts: Iterable[Path], name: str, path: Path) -> None:
    """Write the structures of all generations as one file; none at all stay an empty file."""
    joined = [atoms for part in parts for atoms in frames(part / f"{name}.extxyz")]
    write_or_empty(path, joined)
