"""What `discover` looks at before anything slow: its settings, its source and the known slabs."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from keras_ruo2 import runs
from keras_ruo2.errors import ConfigError
from keras_ruo2.generation.batch import check_label
from keras_ruo2.io.samples import read_samples, species_of
from keras_ruo2.io.structures import read_structures
from keras_ruo2.io.workfolder import fingerprint
from keras_ruo2.models.variants import VARIANTS
from keras_ruo2.relaxation.calculators import CALCULATORS, is_known_module, method_of
from keras_ruo2.species import SPECIES, formula
from keras_ruo2.thermodynamics.surface import known_references

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from keras_ruo2.config import DiscoverConfig


def given_again(config: DiscoverConfig, given: Collection[str]) -> DiscoverConfig:
    """Return a config whose calculator this command may start: named by its user, or well known.

    Args:
        config: What `take_up` returned.
        given: Names of the flags of this command.

    Raises:
        ConfigError: If only a file of the folder names a function, and it is in no installed
            package.
    """
    name = config.calculator.partition(":")[0]
    if not ("calculator" in given or name in CALCULATORS or is_known_module(name)):
        raise ConfigError(
            f"{config.out} was begun with --calculator={config.calculator}, which runs code. Give "
            "it again to go on."
        )
    return config


def check_references(config: DiscoverConfig) -> None:
    """Raise `ConfigError` if nothing is known that surface energies could be relative to."""
    if config.bulk_energy is None and not known_references(method_of(config.calculator)):
        raise ConfigError(
            f"No reference energies are known for the calculator {config.calculator!r}. Give "
            "--bulk_energy and --oxygen_energy (and --metal_energy) by it."
        )


def with_species(config: DiscoverConfig) -> DiscoverConfig:
    """Return the config with the elements of the run or of the samples, where they are others.

    Raises:
        ConfigError: If they are not those asked for, are no oxide, or lack reference energies.
    """
    if config.samples is not None:
        species = species_of(config.samples, config.species)
    else:
        species = tuple(runs.load(config.drawing_run)["data"]["species"])
    if config.species is not None and species != config.pair:
        raise ConfigError(f"--run={config.run} is of {','.join(species)}. Leave out --species.")
    if species != config.pair:
        config = dataclasses.replace(config, species=",".join(species))
    if species != SPECIES and config.bulk_energy is None:
        raise ConfigError(
            f"No reference energies of {formula(species)} are known. Give --bulk_energy and "
            "--oxygen_energy (and --metal_energy) by the calculator: python -m data_prep "
            f"references --species={','.join(species)} prints them."
        )
    return config


def with_draws(config: DiscoverConfig) -> DiscoverConfig:
    """Return the config with no more draws than --samples holds: baselines draw as many."""
    if config.samples is None:
        return config
    grids, *_ = read_samples(config.samples)
    return dataclasses.replace(config, count=min(config.count, len(grids)))


def read_known_slabs(config: DiscoverConfig) -> list[Atoms]:
    """Return the slabs of --known that are of the species asked for.

    Raises:
        ConfigError: If there are none, but baselines were to be made of them.
    """
    slabs = read_structures(config.known)
    known = [slab for slab in slabs if set(slab.get_chemical_symbols()) <= set(config.pair)]
    if not known and len(config.methods) > 1:
        raise ConfigError(
            f"--known={config.known} holds no slab of {' and '.join(config.pair)} to make "
            "baselines from. Give another --known, or --baselines=none."
        )
    return known


def check_source(config: DiscoverConfig) -> dict[str, Any]:
    """Return what tells the generator's samples from others, or raise `ConfigError`."""
    if config.samples is not None:
        missing = "Add them as an array `lattice` of shape (n, 3), in Å."
        grids, *_ = read_samples(config.samples, advice=missing)
        if grids.ndim != 5:
            raise ConfigError(
                f"--samples={config.samples} holds slices of shape {grids.shape[1:-1]}. Only whole "
                "grids become structures: draw them from a 3D variant."
            )
        return {"samples": fingerprint(config.samples)}
    return check_generator(config.drawing_run, config.label, config.checkpoint)


def check_generator(run: Path, label: int | None, checkpoint: str) -> dict[str, Any]:
    """Return what tells a run's checkpoint from others, or raise `ConfigError`.

    Args:
        run: Folder of the run.
        label: Class that it is to draw, if any.
        checkpoint: `last` or `best`.
    """
    saved = runs.load_trained(run)
    variant = VARIANTS[saved["resolved"]["variant"]]
    if variant.ndim != 3 or not variant.lattice:
        raise ConfigError(
            f"--run={run} is a {saved['resolved']['variant']}. Structures come from 3D "
            "variants with lattice lengths, e.g. joint3d."
        )
    if label is not None:
        check_label(label, saved)
    folder = runs.trained_checkpoint(run, best=checkpoint == "best")
    weights = folder / runs.GENERATOR_WEIGHTS
    return {"checkpoint": f"{folder.name} ({fingerprint(weights)})"}
