"""What classes a set of records has, by energy or by oxygen chemical potential."""

import numpy as np


def class_counts(description, label_by):
    """Return the number of training records in each class, an empty tuple without classes.

    Args:
        description: `Description` of the records.
        label_by: `energy`, or `dmu_o` for a class for each value of the chemical potential.
    """
    if label_by == "energy":
        return tuple(description.label_counts)
    return tuple(count for _, count in description.dmu_o_counts)


def class_names(description, label_by):
    """Return what each class holds, for people."""
    if label_by == "energy":
        edges = description.class_edges
        return tuple(
            f"{low:.3f} to {high:.3f} eV/atom"
            for low, high in zip(edges[:-1], edges[1:], strict=True)
        )
    return tuple(f"dmu_O {value + 0.0:.2f} eV" for value, _ in description.dmu_o_counts)


def class_numbers(batch, description, label_by):
    """Return the class numbers of a batch of records, int32 `(batch,)`."""
    if label_by == "energy":
        return batch["label"].astype("int32")
    values = np.array([value for value, _ in description.dmu_o_counts])
    return np.abs(batch["dmu_o"][:, None] - values).argmin(axis=1).astype("int32")


def draw_classes(counts, size, rng):
    """Return `size` class numbers in the proportions of `counts`, as evenly as whole numbers allow.

    Args:
        counts: Number of records in each class.
        size: Class numbers wanted.
        rng: NumPy random generator, for their order.
    """
    shares = np.cumsum(counts) / np.sum(counts)
    places = (np.arange(size) + rng.uniform()) / size
    return rng.permutation(np.searchsorted(shares, places, side="right")).astype("int32")
