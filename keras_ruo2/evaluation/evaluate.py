"""Measure a run's samples and write what was found."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_ruo2 import runs
from keras_ruo2.data.description import HELD_OUT, TRAINING
from keras_ruo2.data.labels import class_counts, class_numbers
from keras_ruo2.data.pipeline import read_sample
from keras_ruo2.data.reader import Records
from keras_ruo2.errors import ConfigError
from keras_ruo2.evaluation.asked import asked_and_got, condition_sentences
from keras_ruo2.evaluation.critic import look_inside
from keras_ruo2.evaluation.headline import headline
from keras_ruo2.evaluation.pictures import draw_evaluation_pictures
from keras_ruo2.evaluation.report import PAGE, PICTURES, write_evaluation_page, write_metrics
from keras_ruo2.evaluation.validity import validity_scores
from keras_ruo2.generation.draw import draw_samples
from keras_ruo2.io import messages
from keras_ruo2.io.paths import shown
from keras_ruo2.io.samples import keep_finite
from keras_ruo2.io.tables import table_writer
from keras_ruo2.metrics.energies import energy_scores, labelled_energies
from keras_ruo2.metrics.floors import TooFewSamples
from keras_ruo2.metrics.marginals import AXES
from keras_ruo2.metrics.measure import measure
from keras_ruo2.species import RUTILE_ANIONS, SPECIES, renamed

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from keras_ruo2.config import EvaluateConfig
    from keras_ruo2.data.description import Description
    from keras_ruo2.evaluation.critic import Inside
    from keras_ruo2.io.paths import RemoteFolder
    from keras_ruo2.metrics.measure import Measured
    from keras_ruo2.species import Pair


MOST_BYTES = 2_000_000_000  # of training grids in memory; more are represented by a random choice
TABLE = "samples.csv"


def evaluate(
    config: EvaluateConfig,
    saved: Mapping[str, Any],
    records: str | Path | RemoteFolder,
    description: Description,
    samples: Mapping[str, np.ndarray] | None = None,
    structures: Sequence[Atoms] = (),
) -> None:
    """Measure, write metrics.json and pictures, then the page.

    Args:
        config: `EvaluateConfig`.
        saved: What `runs.load` returned.
        records: Folder of the records.
        description: Their `Description`.
        samples: What `load_samples` returned; without it the run draws `config.count`.
        structures: Samples that were relaxed, with energies.
    """
    source = f"of {shown(config.samples)}" if config.samples and samples else "drawn by the run"
    samples = samples or draw_own_samples(config, saved)
    samples, num_broken = keep_finite(
        {name: values[: config.count] for name, values in samples.items()}
    )
    training, held_out = (
        read_split(records, description, split, config, saved["resolved"].get("label_by", "energy"))
        for split in (TRAINING, HELD_OUT)
    )
    measured = measure(
        samples,
        training,
        held_out,
        compared=config.compared,
        align=config.align,
        seed=config.seed,
        num_classes=len(saved["data"]["class_counts"]),
    )
    metrics = measured.metrics
    inside = look_inside(config, saved, samples, training, held_out, metrics)
    if structures:
        compare_energies(metrics, structures, description.class_edges, config.seed)
    metrics["asked"] = asked_and_got(config, saved, samples, training, measured)
    if num_broken:
        metrics["alarms"].insert(0, f"Not finite: {num_broken} samples; they are left out below.")
    add_validity_and_headline(metrics, samples, training, description)
    if description.fingerprint != saved["data"]["fingerprint"]:
        metrics["notes"].insert(0, f"{records} are not what the run was trained on.")
    metrics |= origin(config, records, description, training, held_out)
    provenance = {"source": source, "count": len(samples["grid"]), "not_finite": num_broken}
    metrics["samples"] = provenance
    use_species_names(metrics, description.species)
    write_metrics(config.out, metrics)
    write_samples_table(config.out / TABLE, samples, training, measured, inside)
    sets = (measured, inside, samples, training, held_out)
    pictures = draw_evaluation_pictures(config.out / PICTURES, *sets, description, run=config.run)
    write_evaluation_page(config.out, metrics, pictures)
    print_headline(metrics["headline"], metrics)
    messages.info("\n".join(condition_sentences(metrics["asked"])))
    messages.info(f"{shown(config.out / PAGE)}: {len(samples['grid'])} samples measured.")


def print_headline(first: Mapping[str, Any], metrics: Mapping[str, Any]) -> None:
    """Print the headline, alarms and notes."""
    messages.info(
        "\n".join([first["text"], *first["remarks"], *metrics["alarms"], *metrics["notes"]])
    )


def add_validity_and_headline(
    metrics: dict[str, Any],
    samples: Mapping[str, np.ndarray],
    training: Mapping[str, np.ndarray],
    description: Description,
) -> None:
    """Add how many whole grids are valid slabs, and the headline.

    Ratios to held-out records go where these are too few to be a yardstick.
    """
    species = description.species
    if samples["grid"].ndim == 5 and "lattice" in samples and species[1] in RUTILE_ANIONS:
        metrics["validity"] = validity_scores(
            samples, training, alpha=description.alpha, species=species
        )
    if not description.is_yardstick:
        metrics.pop("held_out", None)
    metrics["headline"] = headline(metrics, description.num_held_out)


def use_species_names(metrics: dict[str, Any], species: Pair) -> None:
    """Put the names of the records' species into alarms, notes and titles of quantities."""
    for name in ("alarms", "notes"):
        metrics[name] = [renamed(text, species) for text in metrics[name]]
    for marginal in metrics.get("marginals", {}).values():
        marginal["title"] = renamed(marginal["title"], species)
    if species != SPECIES:
        metrics["notes"].append(
            f"In names of metrics ru stands for {species[0]}, o for {species[1]}."
        )


def compare_energies(
    metrics: dict[str, Any], structures: Sequence[Atoms], edges: Sequence[float], seed: int
) -> None:
    """Add what the energies of relaxed samples say of their classes, or a note why not."""
    try:
        metrics["energies"] = energy_scores(*labelled_energies(structures), edges, seed)
    except TooFewSamples as reason:
        metrics["notes"].append(f"Not measured: energies ({reason}).")


def origin(
    config: EvaluateConfig,
    records: str | Path | RemoteFolder,
    description: Description,
    training: Mapping[str, np.ndarray],
    held_out: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    """Return what metrics.json says of the run, the records and the settings."""
    return {
        "run": str(config.run),
        "step": runs.step_of(runs.trained_checkpoint(config.run)),
        "records": {
            "folder": str(records),
            "fingerprint": description.fingerprint,
            "training": len(training["grid"]),
            "held_out": len(held_out["grid"]),
        },
        "settings": config.as_dict(),
    }


def draw_own_samples(config: EvaluateConfig, saved: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return samples that the run draws.

    Raises:
        ConfigError: If its weights do not fit the networks of this version.
    """
    try:
        return draw_samples(config.run, saved, config.count, config.seed)
    except (ValueError, KeyError) as error:  # KeyError: a setting that the run does not know
        reason = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"The weights of {config.run} cannot be loaded ({reason}). Draw samples with the "
            "version that trained it, and give them with --samples."
        ) from None


def read_split(
    records: str | Path | RemoteFolder,
    description: Description,
    split: str,
    config: EvaluateConfig,
    label_by: str,
) -> dict[str, np.ndarray]:
    """Return the records of a split in random order, as many as memory may hold.

    Their `label` is the class by energy, or by what the run was told.
    """
    most = MOST_BYTES // (4 * int(np.prod(description.grid_shape)))
    if not description.counts.get(split):
        if split == TRAINING:
            raise ConfigError(f"The records in {records} hold no training records.")
        return Records(records, description, TRAINING).read(np.zeros(0, dtype=int))
    sample = read_sample(records, description, split, most, seed=config.seed)
    if class_counts(description, label_by):
        sample["label"] = class_numbers(sample, description, label_by)
    order = np.random.default_rng(config.seed).permutation(len(sample["grid"]))
    return {name: values[order] for name, values in sample.items()}


def write_samples_table(
    path: Path,
    samples: Mapping[str, np.ndarray],
    training: Mapping[str, np.ndarray],
    measured: Measured,
    inside: Inside,
) -> None:
    """Write a row for each sample: class, lengths, score, nearest and most similar record."""
    index, distance = measured.nearest
    columns: dict[str, Iterable[Any]] = {"sample": range(len(samples["grid"]))}
    if "label" in samples:
        columns["class"] = samples["label"]
    if "lattice" in samples:
        axes = AXES[samples["grid"].ndim - 2]
        columns |= {f"length_{axis}": samples["lattice"][:, k] for k, axis in enumerate(axes)}
    if inside.scores:
        columns["critic_score"] = inside.scores["generated"]
    columns |= {
        "nearest_structure": [text.decode() for text in training["structure"][index]],
        "nearest_distance": distance,
        "nearest_energy": training["energy"][index],
        "similar_structure": [
            text.decode() for text in training["structure"][measured.matches.index]
        ],
        "ssim": measured.matches.similarity,
    }
    with table_writer(path) as writer:
        writer.writerow(columns)
        for row in itertools.zip_longest(*columns.values(), fillvalue=""):
            writer.writerow(f"{v:.6g}" if isinstance(v, np.floating) else v for v in row)
