"""What classes a set of records has, by energy or by oxygen chemical potential."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from keras_ruo2.data.description import Description


def class_counts(description: Description, label_by: str) -> tuple[int, ...]:
    """Return the number of training records in each class, an empty tuple without classes.

    Args:
        description: `Description` of the records.
        label_by: `energy`, or `dmu_o` for a class for each value of the chemical potential.
    """
    if label_by == "energy":
        return tuple(description.label_counts)
    return tuple(count for _, count in description.dmu_o_counts)


def class_names(description: Description, label_by: str) -> tuple[str, ...]:
    """Return what each class holds, for people."""
    if label_by == "energy":
        edges = description.class_edges
        return tuple(
            f"{low:.3f} to {high:.3f} eV/atom"
            for low, high in zip(edges[:-1], edges[1:], strict=True)
        )
    return tuple(f"dmu_O {value + 0.0:.2f} eV" for value, _ in description.dmu_o_counts)


def class_numbers(
    batch: Mapping[str, np.ndarray], description: Description, label_by: str
) -> NDArray[np.int32]:
    """Return the class numbers of a batch of records, int32 `(batch,)`."""
    if label_by == "energy":
        return batch["label"].astype("int32")
    values = np.array([value for value, _ in description.dmu_o_counts])
    return np.abs(batch["dmu_o"][:, None] - values).argmin(axis=1).astype("int32")


def draw_classes(counts: Sequence[int], size: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return `size` class numbers in the proportions of `counts`, as evenly as whole numbers allow.

    Args:
        counts: Number of records in each class.
        size: Class numbers wanted.
        rng: NumPy random generator, for their order.
    """
    shares = np.cumsum(counts) / np.sum(counts)
    places = (np.arange(size) + rng.uniform()) / size
    return rng.permutation(np.searchsorted(shares, places, side="right")).astype("int32")
