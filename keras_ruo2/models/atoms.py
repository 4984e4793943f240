"""Layers that choose cells, put atoms on sites and move them; all gradients exist."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ruo2.models.layers import uniform
from keras_ruo2.models.tensors import Shape, Tensor
from keras_ruo2.structure.anchors import Anchors

LARGEST_CHANGE = 3.0  # of a logit: no class fills or empties a site of the faces for certain
VARIETY = 2.0  # how much less certain than in the data contested sites are occupied or empty
CONTESTED = (0.14, 0.86)  # chances between which a site is contested: all those at the faces are
STRAIN = 0.02  # share by which a lateral length may differ from that of its cell
FAR = 1e3  # Å, farther than any atom
Known = Anchors | dict[str, Any]  # or what `Anchors.as_dict` returned


class AnchorLayer(keras.layers.Layer):
    """A layer that knows the sites.

    Args:
        anchors: `Anchors`, or what its `as_dict` returned.
    """

    def __init__(self, anchors: Known, **options: Any) -> None:
        super().__init__(**{"dtype": "float32"} | options)
        self.anchors = anchors if isinstance(anchors, Anchors) else Anchors.from_dict(anchors)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "anchors": self.anchors.as_dict()}

    def of_cell(self, choice: Tensor, table: np.ndarray) -> Tensor:
        """Return the rows of a frame's table for choices of cells `(batch, cells)`."""
        table = np.asarray(table, "float32")[self.anchors.cells[:, 0]]
        flat = ops.convert_to_tensor(table.reshape(len(table), -1))
        return ops.reshape(ops.matmul(choice, flat), (-1, *table.shape[1:]))

    def kinds(self) -> np.ndarray:
        """Return 1 for the species of each site, `(frames, sites, 2)`."""
        channels = self.anchors.channels
        return np.stack([channels == 0, channels == 1], axis=-1)

    def with_copies(
        self, choice: Tensor, places: Tensor, lengths: Tensor, occupancy: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return places and weights of the atoms, their copies in centred cells after them."""
        weights = occupancy[..., None] * self.of_cell(choice, self.kinds())
        if not self.anchors.centred.any():
            return places, weights
        half = ops.convert_to_tensor(np.array([0.5, 0.5, 0], "float32"))
        twice = self.of_cell(choice, self.anchors.centred)[:, None, None]
        return (
            ops.concatenate([places, places + half * lengths[:, None]], axis=1),
            ops.concatenate([weights, weights * twice], axis=1),
        )


@keras.saving.register_keras_serializable(package="keras_ruo2")
class ChooseCell(AnchorLayer):
    """Choose a frame and its lateral repeats together, as often as the class has them in the data.

    Args:
        anchors: As in `AnchorLayer`.

    Input shape: standard normal numbers `(batch, 1)` and, for labelled variants, class numbers
        `(batch,)`.

    Output shape: one-hot choices `(batch, cells)`.
    """

    def __init__(self, anchors: Known, **options: Any) -> None:
        super().__init__(anchors, **options)
        known = self.anchors
        self.upper = np.cumsum(known.chances, axis=0)[:-1].T.astype("float32")
        self.whole = np.cumsum(known.overall)[:-1].astype("float32")

    def call(self, noise: Tensor, label: Tensor | None = None) -> Tensor:
        upper = ops.convert_to_tensor(self.whole)
        if label is not None:
            upper = ops.take(ops.convert_to_tensor(self.upper), ops.cast(label, "int32"), axis=0)
        chosen = ops.sum(ops.cast(uniform(noise) > upper, "int32"), axis=-1)
        return ops.one_hot(chosen, len(self.anchors.cells), dtype="float32")

    def compute_output_shape(self, noise_shape: Shape, label_shape: Shape | None = None) -> Shape:
        return (noise_shape[0], len(self.anchors.cells))


@keras.saving.register_keras_serializable(package="keras_ruo2")
class Occupy(AnchorLayer):
    """Put atoms on sites or leave them empty.

    A site holds an atom where a logit and a logistic number are positive together, so that before
    any training its chance is that of the data, but at contested sites the number is `variety`
    times as large, so that faces are drawn which the data have not together. Forward this is 0 or
    1; backward it has the slope of a sigmoid (a straight-through gradient). Of two sites that
    exclude each other the one with the larger sum is taken. Metal atoms are always there: slabs of
    a frame have the same. As often as in the data a slab's lower face is as its upper one.

    Args:
        anchors: As in `AnchorLayer`.
        variety: How much the logistic numbers of contested sites are stretched; it may be changed
            after training, see `generate --variety`.

    Input shape: choices `(batch, cells)`, changes of the logits and standard normal numbers, both
        `(batch, sites)`, and those that decide about equal faces, `(batch, 1)`.

    Output shape: `(batch, sites)`, 0 or 1.
    """

    def __init__(self, anchors: Known, variety: float = VARIETY, **options: Any) -> None:
        super().__init__(anchors, **options)
        known, self.variety = self.anchors, variety
        self.exists = (known.channels >= 0).astype("float32")
        self.optional = (known.channels == 1).astype("float32")
        shares = np.where(known.channels >= 0, known.shares, 0.5)
        self.start = np.log(shares / (1 - shares))
        self.contested = (shares > CONTESTED[0]) & (shares < CONTESTED[1])
        self.single = self.contested & ~known.opposed
        frames, size = known.channels.shape
        self.excluded = np.zeros((frames, size, size), "float32")
        for frame, first, second in known.excluded:
            self.excluded[frame, first, second] = self.excluded[frame, second, first] = 1

    def call(self, choice: Tensor, change: Tensor, noise: Tensor, faces: Tensor) -> Tensor:
        chance = ops.clip(uniform(noise), 1e-6, 1 - 1e-6)
        logistic = self.of_cell(choice, np.where(self.contested, self.variety, 1.0)) * (
            ops.log(chance) - ops.log1p(-chance)
        )
        change = LARGEST_CHANGE * ops.tanh(change / LARGEST_CHANGE)
        sums = self.of_cell(choice, self.start) + change + logistic
        sums = self.with_equal_faces(choice, sums, faces)
        taken = ops.cast(sums > 0, "float32") * self.of_cell(choice, self.exists)
        if len(self.anchors.excluded):
            larger = ops.cast(sums[:, None, :] > sums[:, :, None], "float32")
            rivals = self.of_cell(choice, self.excluded) * larger * taken[:, None, :]
            taken = taken * ops.cast(ops.max(rivals, axis=2) < 0.5, "float32")
        soft = ops.sigmoid(sums) * self.of_cell(choice, self.optional)
        metal = self.of_cell(choice, self.exists - self.optional)
        taken = ops.where(metal > 0.5, 1.0, taken)
        return metal + soft + ops.stop_gradient(taken - metal - soft)

    def with_equal_faces(self, choice: Tensor, sums: Tensor, faces: Tensor) -> Tensor:
        """Return the sums of sites, in some slabs those of lower faces as of their opposites.

        Contested sites without an opposite are empty there.
        """
        if not self.anchors.equal.any():
            return sums
        equal = uniform(faces) < self.of_cell(choice, self.anchors.equal[:, None])
        upper = ops.cast(ops.round(self.of_cell(choice, self.anchors.upper)), "int32")
        alike = ops.take_along_axis(sums, upper, axis=1) - FAR * self.of_cell(choice, self.single)
        return ops.where(equal, alike, sums)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "variety": self.variety}

    def compute_output_shape(
        self, choice_shape: Shape, change_shape: Shape, noise_shape: Shape, faces_shape: Shape
    ) -> Shape:
        return noise_shape


@keras.saving.register_keras_serializable(package="keras_ruo2")
class Displace(AnchorLayer):
    """Move sites, within the bounds of each, and stretch the cell; every frame in its own way.

    Args:
        anchors: As in `AnchorLayer`.

    Input shape: choices `(batch, cells)`.

    Output shape: places `(batch, sites, 3)` in Å, the mean of the metal at 0 along z, and lengths
        of the cell `(batch, 3)`, Å, the last that of the frame.
    """

    def build(self, choice_shape: Shape) -> None:
        anchors = self.anchors
        frames, size = anchors.channels.shape
        self.common = self.add_weight(
            shape=(frames, size * 3), initializer="zeros", name="displacements"
        )
        self.strains = self.add_weight(shape=(frames, 2), initializer="zeros", name="strains")
        self.frame_of = np.eye(frames, dtype="float32")[anchors.cells[:, 0]]

    def call(self, choice: Tensor) -> tuple[Tensor, Tensor]:
        anchors = self.anchors
        frame = ops.matmul(choice, ops.convert_to_tensor(self.frame_of))
        moves = ops.reshape(ops.tanh(ops.matmul(frame, self.common)), (-1, anchors.num_sites, 3))
        places = (
            self.of_cell(choice, anchors.positions) + self.of_cell(choice, anchors.bounds) * moves
        )
        strain = 1 + STRAIN * ops.tanh(ops.matmul(frame, self.strains))
        lateral = self.of_cell(choice, anchors.lengths) * strain
        height = self.of_cell(choice, anchors.heights)
        return places, ops.concatenate([lateral, height[:, None]], axis=-1)

    def compute_output_shape(self, choice_shape: Shape) -> tuple[Shape, ...]:
        batch = choice_shape[0]
        return (batch, self.anchors.num_sites, 3), (batch, 3)


@keras.saving.register_keras_serializable(package="keras_ruo2")
class Enclose(AnchorLayer):
    """Find the cell around a slab, with the vacuum of the data.

    Args:
        anchors: As in `AnchorLayer`.

    Input shape: choices `(batch, cells)`, places `(batch, sites, 3)` and lengths `(batch, 3)` as
        `Displace` returns them, and occupancy `(batch, sites)`.

    Output shape: places, the mean of the metal at the height of the frame's or, where cells keep a
        vacuum, the slab in the middle of its cell; and lengths of the cell.
    """

    def call(
        self, choice: Tensor, places: Tensor, lengths: Tensor, occupancy: Tensor
    ) -> tuple[Tensor, Tensor]:
        anchors = self.anchors
        z, there = places[..., 2], occupancy > 0.5
        if anchors.vacuum is None:
            height = lengths[:, 2]
            middle = -self.of_cell(choice, anchors.levels)
        else:
            top = ops.max(ops.where(there, z, -FAR), axis=1)
            bottom = ops.min(ops.where(there, z, FAR), axis=1)
            height = top - bottom + anchors.vacuum
            middle = 0.5 * (top + bottom) - 0.5 * height
        places = ops.concatenate([places[..., :2], (z - middle[:, None])[..., None]], axis=-1)
        return places, ops.concatenate([lengths[:, :2], height[:, None]], axis=-1)

    def compute_output_shape(
        self, choice_shape: Shape, places_shape: Shape, lengths_shape: Shape, occupancy_shape: Shape
    ) -> tuple[Shape, ...]:
        return places_shape, lengths_shape


@keras.saving.register_keras_serializable(package="keras_ruo2")
class Arrange(AnchorLayer):
    """Copy atoms in centred cells, turn slabs and move them, as the records were.

    Args:
        anchors: As in `AnchorLayer`.

    Input shape: choices `(batch, cells)`, places `(batch, sites, 3)`, lengths `(batch, 3)`,
        occupancy `(batch, sites)` and standard normal numbers `(batch, 4)` for the turn and three
        shifts.

    Output shape: places `(batch, atoms, 3)`, occupancy of the metal and of the anion
        `(batch, atoms, 2)`, lengths `(batch, 3)` and lateral repeats `(batch, 2)`.
    """

    def call(
        self, choice: Tensor, places: Tensor, lengths: Tensor, occupancy: Tensor, noise: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        anchors = self.anchors
        places, weights = self.with_copies(choice, places, lengths, occupancy)
        repeats = ops.matmul(choice, ops.convert_to_tensor(anchors.cells[:, 1:].astype("float32")))
        if anchors.rotated:
            places, lengths, repeats = rotate_cells(places, lengths, repeats, noise[:, :1])
        along = np.array([axis in anchors.translated for axis in "xyz"], "float32")
        places = places + (ops.convert_to_tensor(along) * uniform(noise[:, 1:4]) * lengths)[:, None]
        return places, weights, lengths, repeats

    def compute_output_shape(
        self,
        choice_shape: Shape,
        places_shape: Shape,
        lengths_shape: Shape,
        occupancy_shape: Shape,
        noise_shape: Shape,
    ) -> tuple[Shape, ...]:
        batch, size = occupancy_shape
        atoms = 2 * size if self.anchors.centred.any() else size
        return (batch, atoms, 3), (batch, atoms, 2), (batch, 3), (batch, 2)


def rotate_cells(
    places: Tensor, lengths: Tensor, repeats: Tensor, noise: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Turn cells by the multiple of 90 degrees that a normal number `(batch, 1)` says."""
    turns = ops.floor(4 * uniform(noise))
    odd = ops.cast(ops.mod(turns, 2) > 0.5, "float32")
    x, y, z = (places[..., axis] for axis in range(3))
    sign_x = ops.where((turns > 0.5) & (turns < 2.5), -1.0, 1.0)
    sign_y = ops.where(turns > 1.5, -1.0, 1.0)
    new_x = sign_x * (odd * y + (1 - odd) * x)  # (x, y), (-y, x), (-x, -y), (y, -x)
    new_y = sign_y * (odd * x + (1 - odd) * y)
    swapped = ops.concatenate([lengths[:, 1:2], lengths[:, :1], lengths[:, 2:]], axis=1)
    return (
        ops.stack([new_x, new_y, z], axis=-1),
        odd * swapped + (1 - odd) * lengths,
        odd * ops.flip(repeats, axis=1) + (1 - odd) * repeats,
    )
