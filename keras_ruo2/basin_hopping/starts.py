"""Where chains of the basin-hopping search begin: named terminations or structures of a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from keras_ruo2.basin_hopping.trial import faults_of
from keras_ruo2.errors import ConfigError, check_choice, check_file
from keras_ruo2.io.structures import read_structures
from keras_ruo2.structure.bonds import O
from keras_ruo2.structure.cells import orthogonalise, widest_gap
from keras_ruo2.structure.checks import check_species
from keras_ruo2.structure.layers import FROZEN, assign_layers, with_layers
from keras_ruo2.structure.slabs import TERMINATIONS, build_slab

if TYPE_CHECKING:
    from keras_ruo2.config.preparation import BasinHoppingConfig


LEAST_GAP = 6.0  # Å of vacuum that a slab needs: the range of CHGNet, and of most potentials
SLACK = 0.02  # share of a length by which a supercell may fall short of the wanted size
# c(2x2)-(100): every second outermost O of a face is missing, in checkerboard order. The real
# reconstruction's structure is not public; this is its periodicity at half coverage, ours.
CHECKERBOARD = {"100-c2x2-O-poor": "100-stoichiometric", "100-c2x2-O-rich": "100-O-rich"}
SOURCE = ("100-O-poor", "100-stoichiometric", *CHECKERBOARD)  # section 3.1.2 of the thesis
GROUPS = {"source": SOURCE, "all": tuple(TERMINATIONS)}
NAMES = (*TERMINATIONS, *CHECKERBOARD)


def is_file(start: str) -> bool:
    """Say whether a word of `--start` is meant as a file: it has a folder or an ending, or is one.

    Names of terminations have neither.
    """
    return start not in NAMES and (Path(start).is_file() or "." in start or "/" in start)


def start_words(text: str) -> tuple[str, ...]:
    """Split the value of `--start` into names of terminations and of files.

    Raises:
        ConfigError: If a word is neither, or a file is missing.
    """
    words: list[str] = []
    for start in filter(None, (part.strip() for part in text.split(","))):
        words.extend(GROUPS.get(start, [start]))
    for start in words:
        if is_file(start):
            check_file("start", start)
        else:
            check_choice("start", start, (*GROUPS, *NAMES))
    if not words:
        raise ConfigError("--start is empty. Name terminations, or give a file.")
    return tuple(dict.fromkeys(words))


def make_starts(config: BasinHoppingConfig, a: float | None, c: float | None) -> list[Atoms]:
    """Return every start as a slab in layers, ready for a chain.

    Args:
        config: `BasinHoppingConfig`.
        a: Lattice constant of rutile, Å; may be `None` if all starts come from files.
        c: The other one.

    Returns:
        List of `ase.Atoms` with an array "layer", the frozen atoms fixed, and in `info` the
        `start`, `facet` and `termination`.

    Raises:
        ConfigError: If a structure is no slab that the search can use; it is named.
    """
    layered: list[Atoms] = []
    for start in start_words(config.start):
        if is_file(start):
            slabs = from_file(start, config)
        elif a is None or c is None:
            raise ConfigError(f"Start {start} is built from lattice constants. Give --a and --c.")
        else:
            slabs = [from_name(start, config, a, c)]
        layered.extend(in_layers(slab, config) for slab in slabs)
    names = [slab.info["start"] for slab in layered]
    if len(set(names)) < len(names):
        raise ConfigError(f"Two starts have one name: {', '.join(names)}. Rename structures.")
    return layered


def check_files(config: BasinHoppingConfig) -> None:
    """Raise `ConfigError` if a file holds a structure that the search cannot use.

    Names of terminations need lattice constants first, which may take the calculator minutes.
    """
    for start in filter(is_file, start_words(config.start)):
        for slab in from_file(start, config):
            in_layers(slab, config)


def in_layers(slab: Atoms, config: BasinHoppingConfig) -> Atoms:
    """Return a slab in layers, or raise `ConfigError` with its name."""
    try:
        check_vacuum_along_z(slab)
        layers = assign_layers(slab, config.displaced, config.buffer)
        check_frozen(slab, layers == FROZEN)
    except ConfigError as error:
        raise ConfigError(f"Start {slab.info['start']}: {error}") from None
    return with_layers(slab, layers)


def from_name(name: str, config: BasinHoppingConfig, a: float, c: float) -> Atoms:
    """Build the supercell of a termination, its vacuum on top."""
    slab = build_slab(
        CHECKERBOARD.get(name, name), a=a, c=c, num_planes=config.planes, species=config.pair
    )
    slab = orthogonalise(slab)
    repeats = [repeats_for(length, config.size) for length in slab.cell.lengths()[:2]]
    if name in CHECKERBOARD:
        repeats = [count + count % 2 for count in repeats]
        slab = checkerboard(slab, repeats)
    else:
        slab = slab.repeat((*repeats, 1))
    facet, _, termination = name.partition("-")
    slab.info = {"start": name, "facet": f"({facet})", "termination": termination}
    thickness = float(np.ptp(slab.positions[:, 2]))
    gap = max(min(config.vacuum, config.height - thickness), LEAST_GAP)
    return above_ground(slab, thickness + gap)


def from_file(path: str, config: BasinHoppingConfig) -> list[Atoms]:
    """Read slabs and repeat them to the wanted size; their vacuum stays as it is."""
    repeated = []
    for number, atoms in enumerate(read_structures(path)):
        name = str(atoms.info.get("name", f"{Path(path).stem}-{number}"))
        info = {key: str(atoms.info.get(key, "unknown")) for key in ("facet", "termination")}
        try:
            check_species(atoms, config.pair)
            slab = orthogonalise(atoms)
        except ConfigError as error:
            raise ConfigError(f"{path}, structure {number} ({name}): {error}") from None
        repeats = [repeats_for(length, config.size) for length in slab.cell.lengths()[:2]]
        slab.set_constraint()
        slab.calc = None
        slab = slab.repeat((*repeats, 1))
        slab.info = {"start": name, **info}
        repeated.append(above_ground(slab, slab.cell.lengths()[2]))
    return repeated


def repeats_for(length: float, size: float) -> int:
    """Return how often a length is repeated to reach `size`, or all but `SLACK` of it."""
    return max(1, int(np.ceil(size / length - SLACK)))


def checkerboard(slab: Atoms, repeats: Sequence[int]) -> Atoms:
    """Repeat a slab and take every second one of the outermost O of its upper face."""
    outermost = int(np.argmax(np.where(slab.numbers == O, slab.positions[:, 2], -np.inf)))
    cells = [(i, j) for i in range(repeats[0]) for j in range(repeats[1])]
    whole = slab.repeat((*repeats, 1))
    del whole[[len(slab) * k + outermost for k, (i, j) in enumerate(cells) if (i + j) % 2]]
    return whole


def above_ground(slab: Atoms, height: float) -> Atoms:
    """Return a slab in a cell of the given height, half of its vacuum below it, Å."""
    gap, bottom = widest_gap(slab)
    result = slab.copy()
    length = slab.cell.lengths()[2]
    vacuum = height - (length - gap)
    result.positions[:, 2] = (slab.positions[:, 2] - bottom) % length + vacuum / 2
    result.set_cell([*slab.cell.lengths()[:2], height])
    result.wrap()
    return result


def check_vacuum_along_z(slab: Atoms) -> None:
    """Raise `ConfigError` unless `slab` has a vacuum along z."""
    gap, _ = widest_gap(slab)
    if gap < LEAST_GAP - 1e-6:
        raise ConfigError(
            f"the widest gap along z is {gap:.1f} Å, which is no vacuum. Give a slab with its "
            f"normal along the third cell vector and {LEAST_GAP:.0f} Å or more of vacuum."
        )


def check_frozen(slab: Atoms, frozen: np.ndarray) -> None:
    """Raise `ConfigError` if atoms that never move have a fault that trials are refused for.

    Where atoms do move, relaxation and trials may mend it.

    Args:
        slab: `ase.Atoms`.
        frozen: Whether each atom is frozen, shape `(n,)`.
    """
    for name, atoms in faults_of(slab):
        if frozen[atoms].any():
            raise ConfigError(
                f"it has {name.replace('_', ' ')} among its frozen atoms ({frozen[atoms].sum()} of "
                f"{len(slab)}), for which every trial would be refused. Mend that structure."
            )
