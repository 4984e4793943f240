"""Measure a run's samples and write what was found."""

import numpy as np

from keras_ruo2 import plotting, plotting_evaluation, runs
from keras_ruo2.data.description import HELD_OUT, TRAINING
from keras_ruo2.data.pipeline import read_sample
from keras_ruo2.errors import ConfigError
from keras_ruo2.evaluation.measure import measure
from keras_ruo2.evaluation.report import PAGE, PICTURES, write_metrics, write_page
from keras_ruo2.evaluation.samples import keep_finite
from keras_ruo2.generate import draw_samples
from keras_ruo2.paths import shown

MOST_BYTES = 2_000_000_000  # of training grids in memory; more are represented by a random choice
NUM_PAIRS, NUM_SHOWN = 6, 36


def evaluate(config, saved, records, description, samples=None):
    """Measure, write metrics.json and pictures, then the page.

    Args:
        config: `EvaluateConfig`.
        saved: What `runs.load` returned.
        records: Folder of the records.
        description: Their `Description`.
        samples: What `load_samples` returned; without it the run draws `config.count`.
    """
    source = f"of {shown(config.samples)}" if samples else "drawn by the run"
    samples = samples or draw(config, saved)
    samples, num_broken = keep_finite(
        {name: values[: config.count] for name, values in samples.items()}
    )
    training, held_out = (
        read(records, description, split, config) for split in (TRAINING, HELD_OUT)
    )
    found = measure(
        samples,
        training,
        held_out,
        compared=config.compared,
        align=config.align,
        seed=config.seed,
    )
    metrics = found.metrics
    if num_broken:
        metrics["alarms"].insert(0, f"Not finite: {num_broken} samples; they are left out below.")
    if description.fingerprint != saved["data"]["fingerprint"]:
        metrics["notes"].insert(0, f"{records} are not what the run was trained on.")
    metrics |= {
        "run": str(config.run),
        "step": runs.step_of(runs.last_checkpoint(config.run)),
        "samples": {"source": source, "count": len(samples["grid"]), "not_finite": num_broken},
        "records": {
            "folder": str(records),
            "fingerprint": description.fingerprint,
            "training": len(training["grid"]),
            "held_out": len(held_out["grid"]),
        },
        "settings": config.as_dict(),
    }
    write_metrics(config.out, metrics)
    pictures = draw_pictures(config.out / PICTURES, found, samples, training, held_out)
    write_page(config.out, metrics, pictures)
    print("\n".join(metrics["alarms"] + metrics["notes"]))
    print(f"{shown(config.out / PAGE)}: {len(samples['grid'])} samples measured.")


def draw(config, saved):
    """Return samples that the run draws.

    Raises:
        ConfigError: If its weights do not fit the networks of this version.
    """
    try:
        return draw_samples(config.run, saved, config.count, config.seed)
    except ValueError as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"The weights of {config.run} cannot be loaded ({reason}). Draw samples with the "
            "version that trained it, and give them with --samples."
        ) from None


def read(records, description, split, config):
    """Return the records of a split in random order, as many as memory may hold."""
    most = MOST_BYTES // (4 * int(np.prod(description.grid_shape)))
    if not description.counts.get(split):
        if split == TRAINING:
            raise ConfigError(f"The records in {records} hold no training records.")
        shape = (0, *description.grid_shape)
        return {"grid": np.zeros(shape, "float32"), "lattice": np.zeros((0, len(shape) - 2))}
    found = read_sample(records, description, split, most, seed=config.seed)
    order = np.random.default_rng(config.seed).permutation(len(found["grid"]))
    return {name: values[order] for name, values in found.items()}


def draw_pictures(folder, found, samples, training, held_out):
    """Draw every picture that there is something to show of, and return their captions."""
    folder.mkdir(parents=True, exist_ok=True)
    captions = {}

    def keep(name, caption, figure):
        plotting.save(figure, folder / name)
        captions[name] = caption

    flat = samples["grid"].ndim == 4
    if flat:
        panels = {"Generated": part(samples, NUM_SHOWN)}
        if len(held_out["grid"]):
            panels["Real (held-out)"] = part(held_out, NUM_SHOWN, "lattice" in samples)
        keep("samples.png", "Samples beside real ones.", plotting.sample_sheet(panels))
    if found.null is not None:
        threshold = found.metrics["overfitting"]["threshold"]
        histogram = plotting_evaluation.similarity_histogram(found.matches, found.null, threshold)
        keep("similarity.png", "Similarity of the most similar training record.", histogram)
    if flat:
        most = np.argsort(-found.matches.similarity)[:NUM_PAIRS]
        pairs = plotting_evaluation.pairs(
            samples["grid"][most],
            aligned(training["grid"][found.matches.index[most]], found.matches.shift[most]),
            found.matches.ssim[most],
            [text.decode() for text in training["structure"][found.matches.index[most]]],
        )
        keep("pairs.png", "The samples most similar to a training record, beside it.", pairs)
    scores = found.metrics.get("marginals", {})
    histograms = plotting_evaluation.marginal_histograms(found.generated, found.real, scores)
    keep("marginals.png", "Physical quantities of generated and real samples.", histograms)
    bars = plotting_evaluation.collapse_bars(found.metrics["collapse"])
    keep("collapse.png", "Diversity, contrast, stripes and noise against real data.", bars)
    spectra = plotting_evaluation.mean_spectra(samples["grid"], training["grid"])
    keep("spectrum.png", "Mean Fourier power of generated and real samples.", spectra)
    return captions


def part(sample, count, with_lengths=True):
    """Return the first grids and their lengths, for a sheet."""
    lengths = sample["lattice"][:count] if with_lengths and "lattice" in sample else None
    return sample["grid"][:count], lengths


def aligned(grids, shifts):
    """Return grids rolled as they were when they were compared."""
    axes = tuple(range(grids.ndim - 2))
    return [
        np.roll(grid, tuple(shift), axis=axes) for grid, shift in zip(grids, shifts, strict=True)
    ]
