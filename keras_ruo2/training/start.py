"""A training that starts from the weights of another: `train --from`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_ruo2 import runs
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import run_named
from keras_ruo2.training import assembly
from keras_ruo2.training.slabs import load_anchors

if TYPE_CHECKING:
    from pathlib import Path

    import keras

    from keras_ruo2.config import CompleteTrainConfig
    from keras_ruo2.structure.anchors import Anchors
    from keras_ruo2.training.devices import Placement


ANYWHERE = ("Settle", "Embedding")  # layers of a generator of atoms that mean the same on any sites


def transfer_weights(
    model: keras.Model, config: CompleteTrainConfig, placement: Placement, anchors: Anchors | None
) -> str:
    """Give a new model the weights of the one that --from names, where they mean the same.

    On other sites than its own a generator of atoms keeps how atoms settle among their neighbours
    and the vectors of the classes; which sites are occupied it learns anew. Critics are taken over
    layer by layer where the shapes agree, the optimisers begin anew.

    Args:
        model: `WassersteinGAN`, untrained.
        config: `CompleteTrainConfig` whose `from_` names a run or a bundled model.
        placement: `Placement`, in whose scope this is called.
        anchors: `Anchors` of the model; `None` where it places no atoms.

    Returns:
        A sentence on what was taken over and what was not.

    Raises:
        ConfigError: If its weights do not fit.
    """
    name = str(config.from_)
    folder = run_named(name)
    saved, sites = runs.load(folder), load_anchors(folder)
    source, with_critics = load_model(folder, saved, sites, config, placement)
    only = () if anchors is None or same_sites(anchors, sites) else ANYWHERE
    kept = {"generator": copy_weights(source.generator, model.generator, only)}
    copy_weights(source.averaged, model.averaged, only)
    if not kept["generator"][0]:
        raise ConfigError(f"--from={name}: no layer of its generator fits. Leave --from out.")
    if with_critics:
        kept["critic"] = copy_weights(source.critic, model.critic)
        if source.environments and model.environments:
            kept["critic of environments"] = copy_weights(
                source.environment_critic, model.environment_critic
            )
    return transfer_sentence(name, kept, only, with_critics, saved["data"]["species"], model)


def load_model(
    folder: Path,
    saved: Mapping[str, Any],
    anchors: Anchors | None,
    config: CompleteTrainConfig,
    placement: Placement,
) -> tuple[keras.Model, bool]:
    """Return the model of a run with its weights, and whether its critics are among them."""
    data = SimpleNamespace(**{**saved["data"], "grid_shape": tuple(saved["data"]["grid_shape"])})
    resolved = saved["resolved"] | {"backend": config.backend}
    model = assembly.build_model(resolved, data, len(data.class_counts), 1, placement, anchors)
    checkpoint = runs.trained_checkpoint(folder)
    with_critics = (checkpoint / runs.TRAINING_WEIGHTS).is_file()
    if with_critics:
        assembly.restore(model, checkpoint)
    else:
        assembly.load_weights(model.averaged, checkpoint / runs.GENERATOR_WEIGHTS)
        model.generator.set_weights(model.averaged.get_weights())
    return model, with_critics


def same_sites(anchors: Anchors, others: Anchors | None) -> bool:
    """Say whether two runs have the same sites, in the same order."""
    return others is not None and all(
        np.shape(one) == np.shape(other) and np.allclose(one, other, atol=1e-3)
        for one, other in (
            (getattr(anchors, name), getattr(others, name))
            for name in ("positions", "channels", "cells", "lengths")
        )
    )


def copy_weights(
    source: keras.Model, target: keras.Model, only: Sequence[str] = ()
) -> tuple[int, int]:
    """Copy the weights of layers whose shapes agree.

    Args:
        source: Keras model.
        target: The same of another run.
        only: Names of the kinds of layers that are copied; all where there are none.

    Returns:
        Numbers of the weights of the target that were copied, and of all of them.
    """
    copied = total = 0
    pairs = list(zip(source.layers, target.layers, strict=False))
    alike = [type(one) for one in source.layers] == [type(one) for one in target.layers]
    for one, other in pairs if alike else []:
        values = one.get_weights()
        shapes = [value.shape for value in values] == [w.shape for w in other.weights]
        if values and shapes and (not only or type(one).__name__ in only):
            other.set_weights(values)
            copied += other.count_params()
    total = target.count_params()
    return copied, total


def transfer_sentence(
    name: str,
    kept: Mapping[str, tuple[int, int]],
    only: Sequence[str],
    with_critics: bool,
    species: Sequence[str],
    model: keras.Model,
) -> str:
    """Return what was taken over, in words."""
    shares = ", ".join(f"{part} {100 * n / most:.0f} %" for part, (n, most) in kept.items())
    text = f"From {name}, of {species[0]} and {species[1]}: weights of {shares}."
    if only:
        text += (
            " The sites are those of these records, so how atoms settle and the vectors of "
            "classes are kept, and which sites are occupied is learned anew."
        )
    if not with_critics:
        text += " It holds no critics: they begin anew."
    return text
