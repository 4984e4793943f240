"""Draw samples from a trained generator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms

from keras_ruo2.data.description import HELD_OUT, TRAINING, load_description, verify_shards
from keras_ruo2.data.pipeline import read_sample
from keras_ruo2.density.backmap import lift_vacuum
from keras_ruo2.errors import ConfigError
from keras_ruo2.generation.draw import as_samples, draw_path, draw_request
from keras_ruo2.generation.request import request_of
from keras_ruo2.io import messages
from keras_ruo2.io.frames import write_frames
from keras_ruo2.io.paths import atomic_write, shown
from keras_ruo2.models.variants import VARIANTS
from keras_ruo2.plotting import style
from keras_ruo2.species import SPECIES
from keras_ruo2.structure.placed import placed_slabs

if TYPE_CHECKING:
    from pathlib import Path

    from keras_ruo2.config import GenerateConfig
    from keras_ruo2.generation.draw import Drawn


def generate(config: GenerateConfig, saved: Mapping[str, Any], out: Path) -> None:
    """Write samples of the averaged generator and draw some beside held-out real ones.

    Args:
        config: `GenerateConfig`.
        saved: What `runs.load` returned.
        out: Where the samples go (.npz); the picture goes beside them.
    """
    if config.interpolate:
        samples = draw_path(
            config.run, saved, config.interpolate, config.seed, config.label, config.checkpoint
        )
    else:
        drawn = draw_request(request_of(config), saved)
        samples = as_samples(drawn, saved)
        count = len(samples["grid"])
        if count < drawn.tried:
            messages.info(f"{drawn.tried} slabs were drawn, {count} of them are as asked for.")
        if config.structures is not None:
            write_frames(config.structures, structures_in(drawn, saved))
            messages.info(f"{shown(config.structures)}: the {count} slabs of the samples.")
    count = len(samples["grid"])
    picture = out.with_suffix(".png")
    if config.interpolate:
        panels = style.views("From one latent vector to another", *first_samples(samples, count))
        sheet = style.sample_sheet(panels, columns=min(count, 12))
        sentence = f"the path is in {shown(picture)}."
    else:
        ndim = samples["grid"].ndim - 2
        count = min(config.shown or style.MOST_SHOWN[ndim], count)
        panels = style.views("Generated", *first_samples(samples, count))
        panels |= real_panels(saved, count, config.seed, config.label)
        large: dict[str, Any] = (
            {"columns": style.VIEW_COLUMNS, "size": style.VIEW} if ndim == 3 else {}
        )
        sheet = style.sample_sheet(panels, **large)
        sentence = f"{shown(picture)} shows {count}."
    style.save_figure(sheet, picture, saved["data"]["species"])
    arrays: dict[str, Any] = samples | named_species(saved)
    with atomic_write(out) as partial:  # last: where samples are there, so is all else
        np.savez_compressed(partial, **arrays)
    messages.info(f"{shown(out)}: {len(samples['grid'])} samples; {sentence}")


def named_species(saved: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return what a samples file says of its channels: nothing for Ru and O."""
    species = tuple(saved["data"]["species"])
    return {} if species == SPECIES else {"species": np.array(species)}


def structures_in(drawn: Drawn, saved: Mapping[str, Any], repeated: bool = True) -> list[Atoms]:
    """Return the slabs that a generator of atoms has placed.

    Args:
        drawn: `Drawn`.
        saved: What `runs.load` returned.
        repeated: Whether they are repeated as in the grids; one cell of each otherwise.

    Returns:
        List of `ase.Atoms` in the samples' order, with the vacuum on top as `backmap` gives them;
        `info` holds `sample`, `alpha`, `lateral_repeats`, the `shift` along z from the grid, Å,
        and, where it was told, `label`.
    """
    slabs, (made, labels, _) = [], drawn
    for row, atoms in enumerate(placed_slabs(made, saved["data"]["species"])):
        repeats = made["repeats"][row].round().astype(int).tolist() if repeated else [1, 1]
        atoms = atoms.repeat((*repeats, 1))
        atoms.wrap()
        atoms, shift = lift_vacuum(atoms)
        atoms.info = {"sample": row, "alpha": saved["data"]["alpha"], "shift": shift}
        atoms.info["lateral_repeats"] = repeats
        if labels is not None:
            atoms.info["label"] = int(labels[row])
        slabs.append(atoms)
    return slabs


def first_samples(
    samples: Mapping[str, np.ndarray], count: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the first grids and their lengths, or `None` without lengths."""
    return samples["grid"][:count], samples["lattice"][:count] if "lattice" in samples else None


def real_panels(
    saved: Mapping[str, Any], count: int, seed: int, label: int | None
) -> dict[str, tuple[np.ndarray, np.ndarray | None]]:
    """Return held-out real samples for the picture; nothing if the records are gone."""
    records = saved["data"]["records"]
    try:
        description = load_description(records)
        verify_shards(records, description)
    except ConfigError as error:
        messages.info(f"The picture shows no real samples: {error}")
        return {}
    split = HELD_OUT if description.counts[HELD_OUT] else TRAINING
    many = 100 if len(description.grid_shape) == 3 else 2
    real = read_sample(records, description, split, many * count, seed=seed)
    chosen = np.random.default_rng(seed).permutation(len(real["grid"]))
    if label is not None and saved["resolved"]["label_by"] == "energy":
        chosen = chosen[real["label"][chosen] == label]
        if not len(chosen):
            return {}
    chosen = chosen[:count]
    with_lengths = VARIANTS[saved["resolved"]["variant"]].lattice
    lengths = real["lattice"][chosen] if with_lengths else None
    return style.views(f"Real ({split})", real["grid"][chosen], lengths)
