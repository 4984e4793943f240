"""The surroundings of atoms against the same with every image of every pair written out.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.surroundings [--batch=16] [--atoms=74]

Core seconds of TensorFlow: the nearest neighbours of half of the atoms of random slabs (74 are
37 sites and their copies in centred cells, as the bundled `joint3d` has them) and the numbers that
describe them, alone and with their gradient. This is what a generator of atoms spends most time on.
"""

import argparse

import numpy as np
from keras import ops

from experiments.benchmarks.machine import core_seconds, report
from keras_ruo2.models import environments
from keras_ruo2.models.environments import (
    FAR,
    IMAGES,
    NEAREST,
    RADII,
    REACH,
    SMALLEST,
    WIDE_RADII,
    WIDE_WIDTH,
    WIDTH,
    lengths_of,
    shells,
)

LENGTHS = (3.2, 6.4, 20.0)  # Å


def main(words=None):
    """Measure and print."""
    import tensorflow as tf

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--atoms", type=int, default=74)
    parser.add_argument("--repeats", type=int, default=9)
    given = parser.parse_args(words)
    slabs = random_slabs(given.batch, given.atoms)
    places, weights, lengths = (tf.constant(values) for values in slabs)
    direction = tf.constant(
        np.random.default_rng(1).normal(size=environments.num_features()).astype("float32")
    )

    def forward(find, describe):
        return describe(*find(places, weights, lengths, given.atoms // 2))

    def gradient(find, describe):
        with tf.GradientTape() as tape:
            tape.watch(places)
            total = tf.reduce_sum(forward(find, describe) * direction)
        return tape.gradient(total, places)

    ours = environments.find_neighbours, environments.describe_environments
    ways = {
        (name, who): tf.function(lambda call=call, pair=pair: call(*pair))
        for name, call in (("forward", forward), ("gradient", gradient))
        for who, pair in (("ours", ours), ("plain", (find, describe)))
    }
    seconds, figures = core_seconds(ways, given.repeats), {"batch": given.batch}
    for name in ("forward", "gradient"):
        one, other = (ways[name, who]().numpy() for who in ("ours", "plain"))
        figures[f"{name}_times"] = round(seconds[name, "plain"] / seconds[name, "ours"], 2)
        figures[f"{name}_largest_difference"] = float(
            np.abs(one - other).max() / np.abs(other).max()
        )
    report("surroundings", figures | {"atoms": given.atoms})


def random_slabs(batch, atoms):
    """Return places, weights and lengths; a quarter of the atoms is absent."""
    rng = np.random.default_rng(0)
    lengths = np.tile(np.array(LENGTHS, "float32"), (batch, 1))
    places = (rng.uniform(size=(batch, atoms, 3)) * lengths[:, None]).astype("float32")
    weights = np.eye(3, dtype="float32")[rng.choice(3, (batch, atoms), p=(0.25, 0.5, 0.25))]
    return places, weights[..., :2], lengths


def find(places, weights, lengths, centres):
    """Return what `find_neighbours` does: vectors to all images, the nearest of them taken out."""
    size, count = places.shape[1], len(IMAGES)
    cell = lengths[:, None, None]
    apart = places[:, None] - places[:, :centres, None]
    apart = apart - cell * ops.round(apart / cell)
    apart = apart[:, :, :, None] + (ops.convert_to_tensor(IMAGES) * cell)[:, :, None]
    apart = ops.reshape(apart, (-1, centres, size * count, 3))
    itself = np.zeros((1, centres, size, count), bool)
    itself[0, np.arange(centres), np.arange(centres), count // 2] = True
    itself = ops.convert_to_tensor(itself.reshape(1, centres, size * count))
    absent = ops.repeat(ops.sum(weights, axis=-1) < 0.5, count, axis=1)[:, None]
    hidden = ops.logical_or(absent, itself)
    order = ops.where(hidden, -FAR, -ops.sum(ops.square(apart), axis=-1))
    near, chosen = ops.top_k(ops.stop_gradient(order), NEAREST)
    apart = ops.take_along_axis(apart, chosen[..., None], axis=2)
    weights = ops.repeat(weights, count, axis=1)[:, None]
    weights = ops.broadcast_to(weights, (ops.shape(places)[0], centres, size * count, 2))
    weights = ops.take_along_axis(weights, chosen[..., None], axis=2)
    return apart, weights * ops.cast(near > -0.5 * FAR, "float32")[..., None]


def describe(apart, weights):
    """Return what `describe_environments` does, each tensor of directions as a sum of its own."""
    distance = lengths_of(apart)
    near = 0.5 * (1 + ops.cos(np.pi * ops.minimum(distance / REACH, 1.0)))
    weights = weights * near[..., None]
    directions = apart / distance[..., None]
    parts = [ops.einsum("bijr,bijc->bicr", shells(distance, RADII, WIDTH), weights)]
    wide = ops.einsum("bijr,bijc->bijcr", shells(distance, WIDE_RADII, WIDE_WIDTH), weights)
    vector = ops.einsum("bijcr,bijv->bicrv", wide, directions)
    parts.append(ops.sqrt(ops.sum(ops.square(vector), axis=-1) + SMALLEST))
    products = directions[..., :, None] * directions[..., None, :]
    tensor = ops.einsum("bijcr,bijvw->bicrvw", wide, products)
    parts.append(ops.sqrt(ops.sum(ops.square(tensor), axis=(-2, -1)) + SMALLEST))
    joined = ops.concatenate(parts, axis=-1)
    return ops.reshape(joined, (*joined.shape[:2], -1))


if __name__ == "__main__":
    main()
