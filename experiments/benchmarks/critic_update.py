"""One critic update, with oneDNN on and off, by plain strided convolutions and by matrix products.

    OMP_NUM_THREADS=1 python -m experiments.benchmarks.critic_update [--variant=joint3d]
        [--arch=waves] [--batch=16] [--repeats=5] [--plain_batch=2]

Core seconds a sample on one thread. Both networks have the same weights and see the same batch
and noise; `largest_difference` is that of the gradients by any of the critic's weights, over the
largest gradient by that weight. With oneDNN off a plain update of 3D grids takes seconds a
sample, so that it is timed once, with `--plain_batch` samples. `matmul_share` is the rate of the
counted multiplications and additions over that of a product of two 2048 x 2048 matrices.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from experiments.benchmarks.machine import core_seconds, report

ROOT = Path(__file__).resolve().parents[2]
STATES = {"on": "1", "off": "0"}


def main(words=None):
    """Measure in a process for each state of oneDNN and print."""
    given = parse(words)
    if given.worker:
        print(json.dumps(measure(given)))
        return
    figures = {name: value for name, value in vars(given).items() if name != "worker"}
    for state, setting in STATES.items():
        environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": setting, "CUDA_VISIBLE_DEVICES": "-1"}
        command = [sys.executable, "-m", "experiments.benchmarks.critic_update", "--worker"]
        command += [f"--{name}={value}" for name, value in vars(given).items() if name != "worker"]
        found = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True
        )
        figures[f"onednn_{state}"] = json.loads(found.stdout.splitlines()[-1])
    on, off = figures["onednn_on"], figures["onednn_off"]
    figures["times_faster_onednn_on_plain"] = ratio(off["plain"], on["plain"])
    for state, found in (("on", on), ("off", off)):
        figures[f"times_faster_product_onednn_{state}"] = ratio(found["plain"], found["product"])
    report("critic_update", figures)


def ratio(slow, fast):
    """Return how many times faster, to three digits."""
    return float(f"{slow / fast:.3g}")


def parse(words):
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", default="joint3d")
    parser.add_argument("--arch", default="waves")
    parser.add_argument("--voxels", type=int, default=32)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--plain_batch", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def measure(given):
    """Return core seconds a sample of both ways, with what belongs to this state of oneDNN."""
    from keras_ruo2.backend import start_backend

    start_backend("tensorflow")
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):  # already running, as in a test
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    slow = os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0"
    product, batch = make(given, given.batch)
    with plain_layers():
        small = given.plain_batch if slow else given.batch
        plain, few = make(given, small)
        plain_update = update(plain, few)
        plain_update()
    product_update = update(product, batch)
    product_update()
    found = {}
    if slow:
        begin = time.process_time()
        plain_update()
        found["plain"] = (time.process_time() - begin) / small
        found["product"] = core_seconds({"it": product_update}, given.repeats)["it"] / given.batch
    else:
        found["largest_difference"] = difference(product, plain)
        times = core_seconds({"plain": plain_update, "product": product_update}, given.repeats)
        found |= {name: value / given.batch for name, value in times.items()}
        found["matmul_share"] = matmul_share(product_update, found["product"] * given.batch)
    return {name: float(f"{value:.3g}") for name, value in found.items()}


def make(given, size):
    """Return a schedule that descends by plain gradients from known weights, and a batch."""
    import keras
    import numpy as np

    from keras_ruo2.models.networks import build_critic, build_generator
    from keras_ruo2.models.variants import VARIANTS
    from keras_ruo2.training.settings import Settings
    from keras_ruo2.training.steps.tensorflow import WassersteinGAN

    class Descent(WassersteinGAN):
        def adam(self, updates):
            return keras.optimizers.SGD(1e-3, momentum=0.9)

    row = VARIANTS[given.variant]
    keras.utils.set_random_seed(0)
    options = {"arch": given.arch, "num_voxels": given.voxels}
    generator = build_generator(given.variant, **options)
    critic = build_critic(given.variant, **options)
    settings = Settings(lattice=row.lattice, labelled=bool(row.label))
    model = Descent(generator, critic, settings, seed=0)
    model.compile()
    rng = np.random.default_rng(0)
    batch = {"grid": rng.uniform(size=(size, *(given.voxels,) * row.ndim, 2)).astype("float32")}
    if row.lattice:
        batch["lattice"] = rng.uniform(size=(size, row.ndim)).astype("float32")
    if row.label:
        batch["label"] = rng.integers(10, size=size).astype("int32")
    return model, {name: keras.ops.convert_to_tensor(value) for name, value in batch.items()}


def update(model, batch):
    """Return a function that makes one critic update."""
    import tensorflow as tf

    @tf.function
    def step():
        model.seeds.begin()
        model.minimise(lambda: model.critic_objective(batch), model.critic, model.critic_optimizer)

    return step


def difference(model, other):
    """Return how far the gradients of the first update are apart, over the largest of a weight."""
    import numpy as np

    pairs = zip(*(each.critic_optimizer.momentums for each in (model, other)), strict=True)
    pairs = [(np.array(ours), np.array(theirs)) for ours, theirs in pairs]
    return max(float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-12)) for a, b in pairs)


@contextlib.contextmanager
def plain_layers():
    """Let networks be built and traced with strided convolutions and Keras's own activation."""
    import keras

    from keras_ruo2.models import blocks, periodic

    def plain(inputs, kernel, stride=1):
        total = kernel.shape[0] - stride
        padded = periodic.wrap(inputs, total // 2, total - total // 2)
        return keras.ops.conv(padded, kernel, strides=stride)

    kept = periodic.convolve, blocks.LeakyReLU
    periodic.convolve, blocks.LeakyReLU = plain, keras.layers.LeakyReLU
    try:
        yield
    finally:
        periodic.convolve, blocks.LeakyReLU = kept


def matmul_share(step, seconds):
    """Return the rate of an update's counted operations over that of a large matrix product."""
    import tensorflow as tf

    size = 2048
    square = tf.random.normal((size, size))
    product = tf.function(lambda: tf.reduce_sum(square @ square))
    best = 2 * size**3 / core_seconds({"it": product}, 5)["it"]
    return operations(step.get_concrete_function().graph) / seconds / best


def operations(graph):
    """Return the floating-point operations of what a graph runs: TensorFlow prunes the rest."""
    import tensorflow as tf
    from tensorflow.python.framework.ops import get_stats_for_node_def

    names = [operation.name for operation in graph.control_outputs]
    run = tf.compat.v1.graph_util.extract_sub_graph(graph.as_graph_def(), names).node
    return sum(get_stats_for_node_def(graph, node, "flops").value or 0 for node in run)


if __name__ == "__main__":
    main()
