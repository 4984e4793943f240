"""Networks, schedule and optimisers of a resolved configuration."""

from __future__ import annotations

import dataclasses
import importlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import keras

from keras_ruo2 import runs
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import shown
from keras_ruo2.models.environments import build_environment_critic
from keras_ruo2.models.networks import build_critic, build_generator
from keras_ruo2.models.variants import VARIANTS, Variant
from keras_ruo2.options import AUGMENTATIONS, names_in, range_in
from keras_ruo2.training.settings import Settings

if TYPE_CHECKING:
    from keras_ruo2.data.description import Description
    from keras_ruo2.structure.anchors import Anchors
    from keras_ruo2.training.devices import Placement


SCALES = 4  # standard deviations, about, in the range of energies


def build_model(
    resolved: Mapping[str, Any],
    description: Description | SimpleNamespace,
    num_classes: int,
    num_steps: int,
    placement: Placement,
    anchors: Anchors | None = None,
) -> keras.Model:
    """Return a compiled model.

    Args:
        resolved: What `runs.resolve` returned.
        description: `Description` of the records.
        num_classes: Classes that the networks are told.
        num_steps: Steps of the whole run, for schedules.
        placement: `Placement`, in whose scope this is called.
        anchors: `Anchors` where the generator places atoms.
    """
    keras.utils.set_random_seed(resolved["seed"])
    variant = VARIANTS[resolved["variant"]]
    common = {
        "arch": resolved["arch"],
        "width": resolved["width"],
        "num_voxels": description.grid_shape[0],
        "label_size": resolved["label_size"],
        "num_classes": num_classes,
        "synchronized": placement.strategy is not None,
    }
    generator = build_generator(
        variant,
        latent_size=resolved["latent_size"],
        repeats=runs.repeats_of(description.source),
        translated=runs.translated_axes_of(description.source),
        anchors=anchors,
        bounds=(description.lattice_minimum, description.lattice_maximum),
        **common,
    )
    critic = build_critic(
        variant,
        minibatch_kernels=resolved["minibatch_kernels"],
        **common,
    )
    backend = importlib.import_module(f"keras_ruo2.training.steps.{resolved['backend']}")
    settings = make_settings(resolved, variant, num_steps, description)
    extra = {}
    if settings.environment_weight:
        num_labels = num_classes if variant.label else 0
        extra["environment_critic"] = build_environment_critic(num_labels)
    model = backend.WassersteinGAN(generator, critic, settings, seed=resolved["seed"], **extra)
    model.compile(**COMPILE.get(resolved["backend"], {}))
    return model


# PyTorch's compiler has no second derivatives.
COMPILE = {"torch": {"jit_compile": False}}


def make_settings(
    resolved: Mapping[str, Any],
    variant: Variant,
    num_steps: int,
    description: Description | SimpleNamespace,
) -> Settings:
    """Return the `Settings` of a resolved configuration and the `Description` of its records."""
    names = {field.name for field in dataclasses.fields(Settings)} & set(resolved)
    values = {name: resolved[name] for name in names}
    values["augment"] = names_in("augment", resolved["augment"], AUGMENTATIONS)
    if resolved["property"]:
        values["wanted"] = resolved["property"]
        values["wanted_range"] = range_in("property_range", resolved["property_range"])
        values["wanted_weight"] = resolved["property_weight"]
    if description.class_edges:
        edges = description.class_edges
        values["energy_scale"] = (0.5 * (edges[0] + edges[-1]), (edges[-1] - edges[0]) / SCALES)
    else:
        values["energy_weight"] = 0.0
    return Settings(
        lattice=variant.lattice,
        labelled=variant.label is not None,
        num_steps=num_steps,
        translated=runs.translated_axes_of(description.source),
        **values,
    )


def restore(model: keras.Model, checkpoint: Path) -> None:
    """Load the whole state of a checkpoint.

    Raises:
        ConfigError: If it is not the state of such a model.
    """
    load_weights(model, checkpoint / runs.TRAINING_WEIGHTS)


def load_weights(model: keras.Model, path: Path) -> None:
    """Load weights that may be another network's.

    Raises:
        ConfigError: If they do not fit.
    """
    try:
        with warnings.catch_warnings():  # Keras would leave what it finds no weights for as it is
            warnings.filterwarnings("error", "Skipping nested container")
            model.load_weights(path)
    except (ValueError, KeyError, OSError, RuntimeError, TypeError, UserWarning) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConfigError(
            f"{shown(path)} cannot be loaded ({reason}). It is damaged or of another version: "
            "restore it, delete this checkpoint's folder, or use the version that trained it."
        ) from None
