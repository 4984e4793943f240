"""Draw faces for a slab whose lower part stays: `generate --keep`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from ase import Atoms

from keras_ruo2.data.labels import draw_classes
from keras_ruo2.errors import ConfigError
from keras_ruo2.generation.draw import load_generator
from keras_ruo2.generation.request import noise_of_cells
from keras_ruo2.io import messages
from keras_ruo2.io.frames import write_frames
from keras_ruo2.io.paths import shown
from keras_ruo2.io.structures import name_of, read_structures
from keras_ruo2.models.placing import placing
from keras_ruo2.models.slabs import CELL, FACES, FIRST_SITE, NEVER_EQUAL, NUM_MOVES
from keras_ruo2.models.tensors import Network
from keras_ruo2.models.variants import VARIANTS
from keras_ruo2.structure.facets import facet_in
from keras_ruo2.structure.kept import apart_from, base_of, join_face, misfit_of
from keras_ruo2.structure.orientation import facet_of
from keras_ruo2.structure.registration import registrations
from keras_ruo2.structure.validity import reasons_against
from keras_ruo2.training.evaluator import predict
from keras_ruo2.training.slabs import anchors_of

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.config import GenerateConfig
    from keras_ruo2.structure.anchors import Anchors
    from keras_ruo2.structure.kept import Base
    from keras_ruo2.structure.registration import Registration


ALL = -1  # a row that is for all repeats of its frame
STILL = -9.0  # a noise number that turns and shifts by nothing
ROUNDS = 30  # that noise numbers of sites which disagree with what is kept are drawn again
SEARCHED = 30  # steps of a search for noise whose lower part lies on what is kept
STEP = 0.3  # of its noise that a step draws anew
WEIGHT = 1.0  # Å of misfit that a site counts which only one of the two has


class Draws(NamedTuple):
    """Faces to be drawn, one a row.

    Args:
        noise: `(n, latent_size)`.
        labels: Classes `(n,)`, or `None`.
        of: Number of the structure that each row belongs to, `(n,)`.
        where: `Registration` of each row.
        tile: Which of its repeats a row is for, -1 for all, `(n,)`.
    """

    noise: np.ndarray
    labels: np.ndarray | None
    of: np.ndarray
    where: list[Registration]
    tile: np.ndarray


def generate_kept(
    config: GenerateConfig, saved: Mapping[str, Any], keep: Path, structures: Path
) -> None:
    """Write structures whose lower part is the user's own.

    Args:
        config: `GenerateConfig`.
        saved: What `runs.load` returned.
        keep: The slab that stays.
        structures: Where they go (.extxyz or .db).
    """
    base, known = prepare_base(config, saved, keep)
    network = placing(load_generator(config.run, saved, config.checkpoint))
    made = draw_faces(config, saved, network, base, known)
    facet = facet_in(base.atoms).name
    for atoms in made:
        atoms.info |= {"kept_from": name_of(base.atoms, 0), "facet": facet}
    write_frames(structures, made)
    valid = sum(not reasons_against(atoms, base.species) for atoms in made)
    misfit = np.median([atoms.info["misfit"] for atoms in made])
    messages.info(
        f"{shown(structures)}: {len(made)} structures, {len(base.kept)} atoms of each are "
        f"those of {shown(keep)}, fixed; {valid} are whole slabs. At the cut drawn and "
        f"kept atoms lay {misfit:.2f} Å apart (median)."
    )


def prepare_base(
    config: GenerateConfig, saved: Mapping[str, Any], keep: Path
) -> tuple[Base, list[Registration]]:
    """Return the `Base` of --keep and how the model's frames lie on it, or raise `ConfigError`."""
    structures = read_structures(keep)
    if len(structures) != 1:
        raise ConfigError(f"--keep={keep} holds {len(structures)} structures, expected one.")
    species, anchors = tuple(saved["data"]["species"]), anchors_of(config.run)
    try:
        base = base_of(
            structures[0],
            species,
            frozen_layers=config.frozen_layers,
            keep_below=config.keep_below,
        )
    except ConfigError as error:
        raise ConfigError(f"--keep={keep}: {error}") from None
    frames = list(range(len(anchors.facets)))
    if config.cell is not None:
        frames = [int(anchors.cells[config.cell, 0])]
    registered = registrations(base, anchors, frames)
    if not registered:
        raise ConfigError(f"--keep={keep}: {why_not(base, anchors)}")
    return base, registered


def why_not(base: Base, anchors: Anchors) -> str:
    """Say in a sentence why no frame of the model lies on a slab."""
    facet = facet_in(base.atoms).name
    if facet not in anchors.facets:
        facet = facet_of(base.atoms)
    known = sorted(set(anchors.facets) - {"unknown"})
    lengths = " x ".join(f"{length:.2f}" for length in base.lengths[:2])
    if facet not in known:
        return (
            f"its facet is {facet}, the model knows {', '.join(known)}. Give a slab of one of them."
        )
    cells = sorted(
        {
            " x ".join(f"{length:.2f}" for length in anchors.lengths[frame])
            for frame, name in enumerate(anchors.facets)
            if name == facet
        }
    )
    return (
        f"no cell of the model lies on its lower part: its cell is {lengths} Å, with {base.planes} "
        f"planes of {base.species[0]} to be drawn; the model's cells of {facet} are "
        f"{', '.join(cells)} Å, repeated whole, of thin slabs. Keep more planes, or give "
        "a slab whose lower part is less distorted."
    )


def draw_faces(
    config: GenerateConfig,
    saved: Mapping[str, Any],
    network: Network,
    base: Base,
    known: Sequence[Registration],
) -> list[Atoms]:
    """Return structures with faces that a network draws, which is what `placing` returned."""
    anchors, rng = anchors_of(config.run), np.random.default_rng(config.seed)
    draws = draw_fitting_cells(config, saved, anchors, known, rng)
    if config.joining != "splice":
        draws = constrained(network, draws, rng)
    if config.joining == "latent":
        draws = searched(network, draws, base, anchors, rng)
    faces = placed(network, draws, anchors)
    structures = []
    for number in range(config.count):
        rows = np.flatnonzero(draws.of == number)
        where, repeats = draws.where[rows[0]], len(draws.where[rows[0]].shifts)
        chosen = rows if len(rows) == repeats else np.repeat(rows, repeats)
        parts = [faces[row] for row in chosen]
        offsets, there = (np.stack(part) for part in zip(*parts, strict=True))
        atoms = join_face(base, where, offsets, there)
        atoms.info["sample"] = number
        if draws.labels is not None:
            atoms.info["label"] = int(draws.labels[rows[0]])
        structures.append(atoms)
    return structures


def draw_fitting_cells(
    config: GenerateConfig,
    saved: Mapping[str, Any],
    anchors: Anchors,
    known: Sequence[Registration],
    rng: np.random.Generator,
) -> Draws:
    """Return `Draws` with noise whose cells are those of registrations that fit."""
    noise_size, labels = saved["resolved"]["latent_size"], None
    if VARIANTS[saved["resolved"]["variant"]].label:
        labels = np.full(config.count, config.label or 0, "int32")
        if config.label is None:
            labels = draw_classes(saved["data"]["class_counts"], config.count, rng)
    cells, numbers = choose_cells(anchors, {one.frame for one in known}, labels, config.count, rng)
    of: list[int] = []
    where, tile = [], []
    for number, cell in enumerate(cells):
        fitting = [one for one in known if one.frame == anchors.cells[cell, 0]]
        one = fitting[rng.integers(len(fitting))]
        repeats = range(len(one.shifts)) if config.repeats == "each" else (ALL,)
        for repeat in repeats:
            of.append(number)
            where.append(one)
            tile.append(repeat)
    owner = np.array(of)
    noise = rng.normal(size=(len(of), noise_size)).astype("float32")
    noise[:, :NUM_MOVES] = STILL
    noise[:, CELL] = numbers[owner]
    noise[:, FACES] = NEVER_EQUAL  # the lower one is kept
    return Draws(noise, None if labels is None else labels[owner], owner, where, np.array(tile))


def choose_cells(
    anchors: Anchors,
    frames: Collection[int],
    labels: np.ndarray | None,
    count: int,
    rng: np.random.Generator,
) -> tuple[list[int], np.ndarray]:
    """Return cells of some frames, `(n,)`, as often as the classes have them, and their noise."""
    allowed = [k for k, (frame, *_) in enumerate(anchors.cells) if frame in frames]
    chosen, numbers = [], []
    for row in range(count):
        chances = anchors.overall if labels is None else anchors.chances[:, labels[row]]
        cell = rng.choice(allowed, p=chances[allowed] / chances[allowed].sum())
        own = None if labels is None else labels[row : row + 1]
        numbers.append(noise_of_cells(anchors, [cell], own, 1, rng)[0])
        chosen.append(cell)
    return chosen, np.array(numbers)


def placed(network: Network, draws: Draws, anchors: Anchors) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the displacements from a frame's sites, and which hold an atom, of every row.

    Sites are those of the row's registration. Along z displacements are true but for a constant.
    """
    made = predict(network, draws.noise, draws.labels)
    rows = []
    for where, places, weights in zip(draws.where, made["places"], made["weights"], strict=True):
        centres = anchors.positions[where.frame][where.sites]
        rows.append((places[where.sites] - centres, weights[where.sites].max(axis=1) > 0.5))
    return rows


def wanted_of(draws: Draws) -> list[np.ndarray]:
    """Return for each row which sites must hold an atom: 1, 0, or -1 where anything may be."""
    wanted = []
    for where, tile in zip(draws.where, draws.tile, strict=True):
        tiles = slice(None) if tile == ALL else slice(tile, tile + 1)
        share = (where.partners[tiles] >= 0).mean(axis=0)
        lower = where.lower[tiles].all(axis=0) & (where.channels == 1)
        wanted.append(np.where(lower, share >= 0.5, -1))
    return wanted


def constrained(network: Network, draws: Draws, rng: np.random.Generator) -> Draws:
    """Return draws whose sites below the cut hold atoms where the kept part does.

    A site's own noise number decides about its atom, mostly; those of sites that disagree are drawn
    again, so that each is distributed as it was, under the condition of what is kept.
    """
    noise, wanted = draws.noise.copy(), wanted_of(draws)
    for _ in range(ROUNDS):
        made = predict(network, noise, draws.labels)["weights"].max(axis=2) > 0.5
        wrong = np.zeros(noise.shape, bool)
        for row, (where, asked) in enumerate(zip(draws.where, wanted, strict=True)):
            sites = where.sites[(asked >= 0) & (made[row, where.sites] != asked)]
            wrong[row, FIRST_SITE + sites] = True
        if not wrong.any():
            break
        noise[wrong] = rng.normal(size=int(wrong.sum()))
    return draws._replace(noise=noise)


def searched(
    network: Network, draws: Draws, base: Base, anchors: Anchors, rng: np.random.Generator
) -> Draws:
    """Return draws after a search for noise whose lower part lies on what is kept.

    Steps are those of Crank and Nicolson, which keep noise normal; one is taken where the misfit
    falls.
    """
    best = base_misfits(network, draws, base, anchors)
    for _ in range(SEARCHED):
        noise = np.sqrt(1 - STEP**2) * draws.noise + STEP * rng.normal(size=draws.noise.shape)
        noise[:, :FIRST_SITE] = draws.noise[:, :FIRST_SITE]
        tried = draws._replace(noise=noise.astype("float32"))
        misfits = base_misfits(network, tried, base, anchors)
        better = misfits < best
        draws = draws._replace(noise=np.where(better[:, None], tried.noise, draws.noise))
        best = np.minimum(best, misfits)
    return draws


def base_misfits(network: Network, draws: Draws, base: Base, anchors: Anchors) -> np.ndarray:
    """Return how far each row's atoms below the cut lie from the kept ones, `(n,)`, Å."""
    misfits, wanted = [], wanted_of(draws)
    for row, (offsets, there) in enumerate(placed(network, draws, anchors)):
        where, tile = draws.where[row], max(draws.tile[row], 0)
        one = where._replace(partners=where.partners[tile : tile + 1])
        places = (where.places + offsets @ where.matrix.T + where.shifts[tile])[None]
        apart = apart_from(base, one, places, there[None])
        disagreeing = ((wanted[row] >= 0) & (there != wanted[row])).sum()
        misfits.append(misfit_of(apart) + WEIGHT * disagreeing)
    return np.array(misfits)
