"""`evaluate`: check the run, its records and the samples, then measure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ase import Atoms

from keras_ruo2 import runs
from keras_ruo2.backend import find_backend, name_backend, start_backend
from keras_ruo2.data.description import load_description, verify_shards
from keras_ruo2.errors import ConfigError, check_writable
from keras_ruo2.io.structures import read_structures
from keras_ruo2.models.variants import VARIANTS

if TYPE_CHECKING:
    from keras_ruo2.config import EvaluateConfig


OUTPUT_BYTES = 20_000_000  # pictures, twice: as files and within the page


def main(config: EvaluateConfig) -> None:
    """Check the run, its records and the samples, then measure.

    Args:
        config: `EvaluateConfig`.

    Raises:
        ConfigError: Before anything slow starts.
    """
    saved = runs.load_trained(config.run)
    runs.proven_rows(config.run, runs.sound_checkpoint(config.run))
    backend = find_backend(saved["config"]["backend"])
    name_backend(backend)
    records = config.records or saved["data"]["records"]
    description = load_description(records)
    expected = tuple(saved["data"]["grid_shape"])
    if description.grid_shape != expected:
        raise ConfigError(
            f"The records in {records} hold grids of {description.grid_shape}, the run "
            f"{config.run} draws {expected}. Give the --records that it was trained on."
        )
    samples = None
    if config.samples is not None:
        from keras_ruo2.io.samples import load_samples

        samples = load_samples(config.samples, expected, description.species)
    structures = read_relaxed(config, saved)
    verify_shards(records, description)
    check_writable(config.out, OUTPUT_BYTES)
    start_backend(backend)
    from keras_ruo2.evaluation.evaluate import evaluate

    evaluate(config, saved, records, description, samples, structures)


def read_relaxed(config: EvaluateConfig, saved: Mapping[str, Any]) -> list[Atoms]:
    """Return the structures of --structures, none without it.

    Raises:
        ConfigError: If the run was not told energy classes, or no structure can be used.
    """
    if config.structures is None:
        return []
    from keras_ruo2.metrics.energies import labelled_energies

    variant = VARIANTS[saved["resolved"]["variant"]]
    if not variant.label or saved["resolved"].get("label_by", "energy") != "energy":
        raise ConfigError(f"{config.run} was not told energy classes. Leave out --structures.")
    structures = read_structures(config.structures)
    if not len(labelled_energies(structures)[0]):
        raise ConfigError(
            f"--structures={config.structures}: none of {len(structures)} structures has a `label` "
            "and an energy. Give the relaxed samples of this run, e.g. of discover."
        )
    return structures
