"""Draw samples from a trained generator."""

import os

import numpy as np

from keras_ruo2 import plotting, runs
from keras_ruo2.data.description import HELD_OUT, TRAINING, load_description, verify_shards
from keras_ruo2.errors import ConfigError
from keras_ruo2.models.networks import build_generator
from keras_ruo2.paths import shown
from keras_ruo2.structure.cells import unscale_lengths
from keras_ruo2.training.evaluator import predict, sigmoid
from keras_ruo2.variants import VARIANTS


def generate(config, saved):
    """Write samples of the averaged generator and draw some beside held-out real ones.

    Args:
        config: `GenerateConfig`.
        saved: What `runs.load` returned.
    """
    samples = draw_samples(config.run, saved, config.count, config.seed)
    partial = config.out.with_suffix(".partial.npz")
    np.savez_compressed(partial, **samples)
    os.replace(partial, config.out)
    shown_count = min(config.shown, config.count)
    panels = {"Generated": (samples["grid"][:shown_count], lengths_of(samples, shown_count))}
    panels |= real_panel(saved, shown_count, config.seed)
    picture = config.out.with_suffix(".png")
    plotting.save(plotting.sample_sheet(panels), picture)
    print(f"{shown(config.out)}: {config.count} samples; {shown(picture)} shows {shown_count}.")


def draw_samples(run, saved, count, seed):
    """Return `count` samples as the samples file holds them.

    Args:
        run: Folder of a run.
        saved: What `runs.load` returned.
        count: Number of samples.
        seed: Seed of the noise.

    Returns:
        Dict: `grid` float32 `(n, *grid, 2)` and, where predicted, `lattice` float32 in Å.
    """
    resolved, data = saved["resolved"], saved["data"]
    variant = VARIANTS[resolved["variant"]]
    generator = build_generator(
        variant,
        arch=resolved["arch"],
        latent_size=resolved["latent_size"],
        width=resolved["width"],
        repeats=runs.repeats_of(data["source"]),
    )
    generator.load_weights(runs.last_checkpoint(run) / runs.GENERATOR_WEIGHTS)
    noise = np.random.default_rng(seed).normal(size=(count, resolved["latent_size"]))
    made = predict(generator, noise.astype("float32"))
    samples = {"grid": made["grid"].astype("float32")}
    if variant.lattice:
        lengths = unscale_lengths(
            sigmoid(made["lattice"]),
            np.array(data["lattice_minimum"]),
            np.array(data["lattice_maximum"]),
        )
        samples["lattice"] = lengths.astype("float32")
    return samples


def lengths_of(samples, count):
    """Return the lengths of the first samples, or `None`."""
    return samples["lattice"][:count] if "lattice" in samples else None


def real_panel(saved, count, seed):
    """Return held-out real slices for the picture; nothing if the records are gone."""
    from keras_ruo2.data.pipeline import read_sample

    records = saved["data"]["records"]
    try:
        description = load_description(records)
        verify_shards(records, description)
    except ConfigError as error:
        print(f"The picture shows no real slices: {error}")
        return {}
    split = HELD_OUT if description.counts[HELD_OUT] else TRAINING
    real = read_sample(records, description, split, 100 * count, seed=seed)
    chosen = np.random.default_rng(seed).permutation(len(real["grid"]))[:count]
    with_lengths = VARIANTS[saved["resolved"]["variant"]].lattice
    lengths = real["lattice"][chosen] if with_lengths else None
    return {f"Real ({split})": (real["grid"][chosen], lengths)}
