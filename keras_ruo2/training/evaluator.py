"""What is measured on held-out records while a model trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from keras import ops

from keras_ruo2.metrics.distributions import sliced_wasserstein
from keras_ruo2.metrics.lattice import implied_lengths, ratio_names, ratios
from keras_ruo2.training.alarm import CollapseWatch

if TYPE_CHECKING:
    import keras

    from keras_ruo2.training.slab_scores import SlabScores


NUM_IMAGES = {2: 1024, 3: 128}  # by dimensions; a whole grid is as large as 32 slices
BATCH = 64
NUM_MEASURED = 256  # images whose Gaussians' widths are measured


class Evaluator:
    """Score a model against real records that it never sees.

    Args:
        held_out: Dict of arrays with `grid` and `lattice` (Å) of held-out records.
        training: The same of training records, as the yardstick.
        noise: Noise vectors, shape `(n, latent_size)`.
        labels: Class numbers, shape `(n,)`, where the generator is told them; else `None`.
        held_out_labels: Class numbers of the held-out records, where the critic is told them.
        training_labels: Class numbers of the training records, for collapse by class.
        unscale: Function from scaled lengths to Å.
        lattice: Whether the model predicts lattice lengths.
        alpha: Inverse square width of the records' Gaussians, Å^-2.
        slab_scores: `SlabScores` where the generator places atoms, else `None`.
        yardstick: Whether there are enough held-out structures for a ratio to them to mean
            something; else none is given.
    """

    def __init__(
        self,
        held_out: Mapping[str, np.ndarray],
        training: Mapping[str, np.ndarray],
        noise: np.ndarray,
        unscale: Callable[[np.ndarray], np.ndarray],
        *,
        lattice: bool,
        labels: np.ndarray | None = None,
        held_out_labels: np.ndarray | None = None,
        training_labels: np.ndarray | None = None,
        alpha: float = 5.0,
        slab_scores: SlabScores | None = None,
        yardstick: bool = True,
    ) -> None:
        count = min(len(held_out["grid"]), len(training["grid"]), len(noise))
        self.held_out = {name: held_out[name][:count] for name in ("grid", "lattice")}
        self.noise, self.unscale, self.lattice = noise[:count], unscale, lattice
        self.alpha, self.slab_scores = alpha, slab_scores
        self.ratios = ratio_names(self.held_out["grid"].ndim - 2)
        self.labels = None if labels is None else labels[:count]
        self.held_out_labels = None if held_out_labels is None else held_out_labels[:count]
        self.collapse = CollapseWatch(training["grid"], training_labels, self.labels)
        self.spectra = spectrum(self.held_out["grid"])
        near = training["grid"][:count]
        self.yardsticks = {}
        if yardstick:
            self.yardsticks = {
                "held_out_ratio": sliced_wasserstein(self.held_out["grid"], near),
                "held_out_spectrum_ratio": sliced_wasserstein(self.spectra, spectrum(near)),
            }
        typical = training["lattice"].mean(axis=0)
        self.trivial_error = np.abs(self.held_out["lattice"] - typical).mean()

    @property
    def names(self) -> list[str]:
        """Names of the scores."""
        names = ["held_out_distance", *self.yardsticks]
        if self.labels is not None:
            names.append("label_effect")
        if self.lattice:
            names += [
                "lattice_error",
                "lattice_error_percent",
                "lattice_error_trivial",
                "lattice_disagreement",
                "lattice_picture_disagreement",
                *(f"lattice_{name}" for name in self.ratios),
                *(f"lattice_{name}_real" for name in self.ratios),
            ]
        if self.slab_scores:
            names += self.slab_scores.names
        return names + self.collapse.names

    def __call__(self, model: keras.Model) -> dict[str, float]:
        """Return the scores of a model.

        Returns:
            Dict: `held_out_distance`, the sliced Wasserstein distance of generated to held-out
            images; `held_out_ratio`, the same over that of training to held-out images;
            `held_out_spectrum_ratio`, such a ratio on amplitudes of Fourier components (neither
            where held-out structures are no yardstick);
            `label_effect`, how much an image changes with its class over how much it changes with
            its noise; `lattice_error` (Å) and `lattice_error_percent`, the critic's mean absolute
            error on held-out images; `lattice_error_trivial` (Å), that of always naming the
            training records' mean; `lattice_disagreement` (Å), the mean absolute difference
            between the generator's lengths and what the critic reads from its images;
            `lattice_picture_disagreement` (Å), the same to what the widths of the Gaussians in
            them imply, NaN if none can be measured; `lattice_lateral_over_z` or the like, the
            mean ratio of the generator's lengths, and `_real`, that of held-out ones; and those of
            `SlabScores` and `CollapseWatch`.
        """
        made = predict(model.averaged, self.noise, self.labels)
        distance = sliced_wasserstein(self.held_out["grid"], made["grid"])
        scores = {"held_out_distance": distance}
        if self.yardsticks:
            spectral = sliced_wasserstein(self.spectra, spectrum(made["grid"]))
            distances = {"held_out_ratio": distance, "held_out_spectrum_ratio": spectral}
            scores |= {name: distances[name] / self.yardsticks[name] for name in distances}
        if self.labels is not None:
            scores["label_effect"] = self.label_effect(model, made["grid"], self.labels)
        if self.lattice:
            scores |= self.lattice_scores(model, made)
        if self.slab_scores:
            scores |= self.slab_scores(made)
        return scores | self.collapse(made["grid"])

    def label_effect(self, model: keras.Model, grids: np.ndarray, labels: np.ndarray) -> float:
        """Return the change of images with their class relative to that with their noise."""
        count = min(len(grids), 128)
        classes = max(labels.max() + 1, 2)
        others = (labels[:count] + classes // 2) % classes
        changed = predict(model.averaged, self.noise[:count], others)["grid"]
        by_class = np.abs(changed - grids[:count])[labels[:count] != others].mean()
        swapped = predict(model.averaged, self.noise[:count][::-1], labels[:count])["grid"]
        by_noise = np.abs(swapped - grids[:count]).mean()
        return float(by_class / max(by_noise, 1e-9))

    def lattice_scores(
        self, model: keras.Model, made: Mapping[str, np.ndarray]
    ) -> dict[str, float]:
        """Return how well lengths are read and how far the generator's own are from that."""
        read = self.lengths(predict(model.critic, self.held_out["grid"], self.held_out_labels))
        errors = np.abs(read - self.held_out["lattice"])
        fake = self.lengths(predict(model.critic, made["grid"], self.labels))
        own = self.lengths(made)
        seen = np.abs(implied_lengths(made["grid"][:NUM_MEASURED], self.alpha) - own[:NUM_MEASURED])
        sets = {"": own, "_real": self.held_out["lattice"]}
        return {
            "lattice_error": float(errors.mean()),
            "lattice_error_percent": float(100 * (errors / self.held_out["lattice"]).mean()),
            "lattice_error_trivial": float(self.trivial_error),
            "lattice_disagreement": float(np.abs(own - fake).mean()),
            "lattice_picture_disagreement": mean_known(seen),
        } | {
            f"lattice_{name}{whose}": float(value)
            for whose, lengths in sets.items()
            for name, value in zip(self.ratios, ratios(lengths).mean(axis=0), strict=True)
        }

    def lengths(self, outputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return predicted lengths in Å."""
        return self.unscale(sigmoid(outputs["lattice"]))


def mean_known(values: np.ndarray) -> float:
    """Return the mean of the values that are known, NaN if none is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def spectrum(grids: np.ndarray) -> np.ndarray:
    """Return the amplitudes of the grids' Fourier components, which no translation changes.

    Args:
        grids: Array of shape `(n, *grid, channels)`.

    Returns:
        Array of the same shape but for the last grid axis, which is halved.
    """
    axes = tuple(range(1, grids.ndim - 1))
    return np.abs(np.fft.rfftn(grids, axes=axes)) / np.sqrt(np.prod(grids.shape[1:-1]))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Return 1 / (1 + exp(-logits)) of an array."""
    return 1 / (1 + np.exp(-logits))


def predict(
    network: keras.Model, values: np.ndarray, labels: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Return a network's grids, scores and lengths as a dict of arrays, batch by batch.

    Args:
        network: Generator or critic.
        values: Noise vectors or grids.
        labels: Class numbers where the network is told them.
    """
    parts = []
    for begin in range(0, len(values), BATCH):
        part = slice(begin, begin + BATCH)
        inputs = values[part] if labels is None else [values[part], labels[part]]
        made = network(inputs, training=False)
        parts.append(
            {name: ops.convert_to_numpy(made[name]) for name in made if name != "features"}
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
