"""Energies of slabs, read off the surroundings of their atoms by a linear model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np

from keras_ruo2.models.environments import describe_environments, find_neighbours

# How much weights are held back, in standard units: with whole terminations of the bundled slabs
# left out the error is 0.05 eV per atom (energies spread by 0.16), with 0.3 it is 0.10.
RIDGE = 5.0
FEWEST = 10  # slabs that a model can be fitted to
CHUNK = 32


@dataclass(frozen=True)
class EnergyReader:
    """A linear model of the energy per atom, from the mean surroundings of each species.

    Args:
        mean: Of the features, `(n,)`.
        scale: Their standard deviations, `(n,)`.
        weights: eV per atom for a standard deviation of each, `(n,)`.
        intercept: eV per atom.
        error: Root mean square error of slabs that are left out one by one, eV per atom.
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    intercept: float
    error: float

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return energies, eV per atom, `(slabs,)`, of features `(slabs, n)`."""
        return (features - self.mean) / self.scale @ self.weights + self.intercept

    @classmethod
    def fit(cls, features: np.ndarray, energies: np.ndarray) -> EnergyReader | None:
        """Return the model of slabs with known energies, or `None` if there are too few.

        Args:
            features: What `slab_features` returned, `(slabs, n)`.
            energies: eV per atom, `(slabs,)`, NaN where unknown.
        """
        known = np.isfinite(energies)
        if known.sum() < FEWEST:
            return None
        mean, scale = features[known].mean(axis=0), features[known].std(axis=0) + 1e-6
        inputs, wanted = (features[known] - mean) / scale, energies[known] - energies[known].mean()
        inverse = np.linalg.inv(inputs.T @ inputs + RIDGE * np.eye(inputs.shape[1])) @ inputs.T
        weights = inverse @ wanted
        leverage = np.einsum("ij,ji->i", inputs, inverse) + 1 / len(wanted)
        left_out = (wanted - inputs @ weights) / np.maximum(1 - leverage, 1e-6)
        error = float(np.sqrt(np.mean(left_out**2)))
        return cls(mean, scale, weights, float(energies[known].mean()), error)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> EnergyReader:
        """Invert `as_dict`."""
        arrays = {name: np.array(values[name]) for name in ("mean", "scale", "weights")}
        return cls(**(values | arrays))


def slab_features(slabs: Mapping[str, np.ndarray], count: int | None = None) -> np.ndarray:
    """Return what an `EnergyReader` looks at.

    Args:
        slabs: Dict of arrays: `places` `(n, atoms, 3)` and `cell` `(n, 3)` in Å, and `weights`
            `(n, atoms, 2)`, 1 where there is a metal atom or an anion.
        count: Atoms of each that are looked at, the first ones; `None` for all.

    Returns:
        Array `(n, features)`: for each species the sum of its atoms' descriptions over the number
        of all atoms, and its share.
    """
    features = []
    for start in range(0, len(slabs["places"]), CHUNK):
        places, weights, cell = (
            keras.ops.convert_to_tensor(slabs[name][start : start + CHUNK], "float32")
            for name in ("places", "weights", "cell")
        )
        around = find_neighbours(places, weights, cell, count)
        described = keras.ops.convert_to_numpy(describe_environments(*around))
        weights = keras.ops.convert_to_numpy(weights)[:, :count]
        size = weights.sum(axis=(1, 2))[:, None]
        sums = np.einsum("bif,bis->bsf", described, weights).reshape(len(size), -1)
        features.append(np.concatenate([sums, weights.sum(axis=1)], axis=1) / size)
    return np.concatenate(features)
