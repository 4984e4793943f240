"""A training step of the architecture `kim` against the same in plain PyTorch.

    OMP_NUM_THREADS=1 KERAS_BACKEND=tensorflow python -m experiments.benchmarks.training_step
        [--variant=lattice2d] [--batch=64] [--critic_steps=5] [--device=cpu|cuda]
        [--precision=float32|bfloat16] [--compile] [--skip_check]

Ours runs on KERAS_BACKEND; TensorFlow need not be installed for JAX or PyTorch. Both networks get
the same weights. `update_difference` compares one whole step of plain gradient descent with the
same noise and dropout: the largest difference between any weight's changes over that weight's
largest change (`values_beyond_1e-4` counts those beyond: an activation within rounding of its kink
is enough); `update_norm_difference` that of all weights together; `adam_difference` that of the two
Adam rules alone. Times are core seconds of
one thread, in turns, or on a GPU seconds by the clock. Operations are those of a PyTorch step whose
activation has no second derivative, over the rate of a large matrix product of the precision.
With another `--arch` only our own step is timed.
"""

import argparse
import contextlib
import os

from experiments.benchmarks.machine import report


def main(words=None):
    """Measure and print."""
    given = parse(words)
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    prepare(given, backend)
    from experiments.benchmarks import training_check, training_times

    plain = given.arch == "kim"
    figures = vars(given) | {"backend": backend}
    if given.device == "cuda":
        figures["gpu"] = gpu_name()
    if plain and not given.skip_check:
        with exact_products(backend):
            figures |= training_check.compare(given)
    figures |= training_times.time_all(given, plain)
    report("training_step", figures)


def parse(words):
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variant", choices=("lattice2d", "joint3d"), default="lattice2d")
    parser.add_argument("--arch", default="kim")
    parser.add_argument("--width", type=int, help="of both networks, by default the architecture's")
    parser.add_argument("--voxels", type=int, default=32)
    parser.add_argument("--batch", type=int, default=64, help="samples of a critic update")
    parser.add_argument("--checked_batch", type=int, default=4)
    parser.add_argument("--critic_steps", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--compile", action="store_true", help="also torch.compile")
    parser.add_argument("--skip_check", action="store_true", help="do not compare the updates")
    return parser.parse_args(words)


def prepare(given, backend):
    """Start the backend on the device."""
    if given.device == "cpu":
        os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
        os.environ["KERAS_TORCH_DEVICE"] = "cpu"
    # PyTorch needs room on the same card.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    from keras_ruo2.backend import start_backend

    start_backend(backend)
    import keras
    import torch

    if given.device == "cpu":
        torch.set_num_threads(1)
    if given.device == "cpu" and backend == "tensorflow":
        import tensorflow as tf

        with contextlib.suppress(RuntimeError):  # already running, as in a test
            tf.config.threading.set_intra_op_parallelism_threads(1)
            tf.config.threading.set_inter_op_parallelism_threads(1)
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")  # TF32 where there is such a thing
    if backend == "jax" and given.device == "cuda":
        import jax

        jax.config.update("jax_default_matmul_precision", "tensorfloat32")
    policy = "mixed_bfloat16" if given.precision == "bfloat16" else "float32"
    keras.config.set_dtype_policy(policy)


def gpu_name():
    """Return the name of the GPU."""
    import torch

    return torch.cuda.get_device_name()


@contextlib.contextmanager
def exact_products(backend):
    """Multiply in full float32, without TF32."""
    import torch

    scope = contextlib.nullcontext()
    if backend == "jax":
        import jax

        scope = jax.default_matmul_precision("highest")
    kept = torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        with scope:
            yield
    finally:
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.allow_tf32 = kept


if __name__ == "__main__":
    main()
