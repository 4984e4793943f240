"""Looking inside a trained critic: what it says of grids, and which parts make it say so."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops
from scipy import ndimage

from keras_ruo2 import runs
from keras_ruo2.models.tensors import Network
from keras_ruo2.training import assembly
from keras_ruo2.training.devices import Placement
from keras_ruo2.training.evaluator import predict, sigmoid
from keras_ruo2.training.slabs import load_anchors

if TYPE_CHECKING:
    from pathlib import Path


BOX, STRIDE = 6, 2  # voxels: what is hidden, as wide as an atom; and to the next place
MOST_PLACES = 512  # places where a whole grid is hidden: its stride is wider


def load_trained_model(run: Path, saved: Mapping[str, Any]) -> Network:
    """Return the whole model of a run's last checkpoint, on the backend that is running.

    Args:
        run: Folder of a run.
        saved: What `runs.load` returned.

    Raises:
        ValueError: If the weights do not fit the networks of this version.
        KeyError: If the run lacks a setting of this version.
    """
    data = saved["data"]
    names = ("grid_shape", "source", "lattice_minimum", "lattice_maximum", "class_edges")
    known = SimpleNamespace(**{name: data[name] for name in names})
    resolved = saved["resolved"] | {"backend": keras.backend.backend()}
    model = assembly.build_model(
        resolved, known, len(data["class_counts"]), 1, Placement(), load_anchors(run)
    )
    assembly.restore(model, runs.trained_checkpoint(run))
    return model


def critic_outputs(
    model: Network, grids: np.ndarray, labels: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Return what the critic says of grids.

    Returns:
        Dict: `score`, `(n,)`, and, where it reads them, `lattice`, scaled lengths `(n, ndim)`.
    """
    said = predict(model.critic, grids, labels)
    outputs = {"score": said["score"][:, 0]}
    return outputs | ({"lattice": sigmoid(said["lattice"])} if "lattice" in said else {})


def grad_cam(model: Network, grids: np.ndarray, labels: np.ndarray | None = None) -> np.ndarray:
    """Say which parts of grids raise the critic's score, by its last feature map.

    Each feature of the map is weighted by the mean gradient of the score with respect to it. Both
    signs are kept: what lowers the score is as telling as what raises it. The same of an empty
    grid is subtracted, which otherwise hides what the atoms add.

    Args:
        model: `BaseWassersteinGAN` of any backend.
        grids: Array of shape `(n, *grid, 2)`.
        labels: Classes, `(n,)`, where the critic is told them.

    Returns:
        Array of shape `(n, *grid)`, stretched to the grid; positive raises the score.

    Source:
        Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based
        localization", arXiv:1610.02391 (2016); without its final ReLU, above an empty grid.
    """
    seen, score = halves(model.critic)
    features, empty = (
        ops.stop_gradient(seen(values if labels is None else [values, labels], training=False))
        for values in (grids, np.zeros_like(grids))
    )
    slopes = model.input_gradients(lambda values: score(values, training=False), features)
    added, slopes = (
        ops.convert_to_numpy(ops.stop_gradient(values)) for values in (features - empty, slopes)
    )
    weights = slopes.mean(axis=tuple(range(1, slopes.ndim - 1)), keepdims=True)
    return stretch((weights * added).sum(axis=-1), grids.shape[1:-1])


def halves(critic: Network) -> tuple[Network, Network]:
    """Return the critic up to its last feature map, and from there to its score."""
    flat = next(layer for layer in critic.layers if isinstance(layer, keras.layers.Flatten))
    features = flat.input
    return keras.Model(critic.input, features), keras.Model(features, critic.output["score"])


def stretch(maps: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Return maps `(n, *small)` interpolated periodically to `(n, *shape)`."""
    factors = [1, *(size / small for size, small in zip(shape, maps.shape[1:], strict=True))]
    return ndimage.zoom(maps, factors, order=1, mode="grid-wrap", grid_mode=True)


def occlusion(
    model: Network,
    grids: np.ndarray,
    labels: np.ndarray | None = None,
    *,
    box: int = BOX,
    stride: int = STRIDE,
) -> np.ndarray:
    """Say how the critic's score falls when a part of a grid is emptied.

    Args:
        model: `BaseWassersteinGAN` of any backend.
        grids: Array of shape `(n, *grid, 2)`.
        labels: Classes, `(n,)`, where the critic is told them.
        box: Voxels along each side of the emptied box, which may cross the boundaries.
        stride: Voxels from one box to the next; wider where there were more than `MOST_PLACES`.

    Returns:
        Array of shape `(n, *grid)`: the score of the whole grid minus that of the grid without the
        box around a voxel, interpolated between boxes; positive where what is there raises it.
    """
    shape = grids.shape[1:-1]
    while np.prod([len(range(0, size, stride)) for size in shape]) > MOST_PLACES:
        stride *= 2
    counts = [len(range(0, size, stride)) for size in shape]
    masks = np.stack([box_mask(shape, place, box) for place in places(shape, stride)])
    maps = np.empty((len(grids), *counts))
    for number, grid in enumerate(grids):
        known = None if labels is None else np.full(len(masks) + 1, labels[number])
        hidden = np.concatenate([grid[None], np.where(masks[..., None], 0, grid)])
        scores = critic_outputs(model, hidden.astype("float32"), known)["score"]
        maps[number] = (scores[0] - scores[1:]).reshape(counts)
    # A stretched map begins half a stride before the middle of its first box.
    axes = tuple(range(1, 1 + len(shape)))
    return np.roll(stretch(maps, shape), [-(stride // 2)] * len(shape), axis=axes)


def places(shape: Sequence[int], stride: int) -> Iterator[tuple[int, ...]]:
    """Return the middle voxels of all boxes, in the order of the grid."""
    return itertools.product(*(range(0, size, stride) for size in shape))


def box_mask(shape: Sequence[int], centre: Sequence[int], box: int) -> np.ndarray:
    """Return a mask of the voxels within a box, periodic."""
    inside = [
        (np.arange(size) - middle + box // 2) % size < box
        for size, middle in zip(shape, centre, strict=True)
    ]
    return np.logical_and.reduce(np.meshgrid(*inside, indexing="ij"))
