"""What is set before a network is built: seeds, precision, determinism."""

import keras


def configure_process(config):
    """Set the seeds of a process, the precision of its layers and whether it repeats itself.

    Args:
        config: `TrainConfig`.
    """
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.precision)
    if config.deterministic:
        DETERMINISTIC[config.backend]()


def tensorflow():
    """Make TensorFlow add in the same order every time."""
    import tensorflow as tf

    tf.config.experimental.enable_op_determinism()


def torch():
    """Make PyTorch add in the same order every time."""
    import torch

    torch.use_deterministic_algorithms(True)


def jax():
    """Do nothing: on CPU JAX repeats itself, and GPUs were told when it started."""


DETERMINISTIC = {"tensorflow": tensorflow, "torch": torch, "jax": jax}
