"""One device or several: where variables live and which part of a batch each replica gets."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_ruo2.errors import ConfigError
from keras_ruo2.training.cluster import find_cluster

if TYPE_CHECKING:
    from keras_ruo2.config import CompleteTrainConfig


@dataclass(frozen=True)
class Placement:
    """Where a run trains.

    Args:
        replicas: Copies of the networks that share a batch.
        first: Number of the first replica of this process.
        local: Replicas of this process.
        strategy: TensorFlow's strategy, or `None`.
        agree: Function that says whether any worker wishes something; every worker must call it
            after the same step.
    """

    replicas: int = 1
    first: int = 0
    local: int = 1
    strategy: Any = None
    agree: Callable[[bool], bool] = bool

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run folder."""
        return self.first == 0

    def scope(self) -> contextlib.AbstractContextManager[Any]:
        """Return the context in which networks and optimisers are made."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    def split(self, batch: Mapping[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
        """Yield the part of a step's batch that each replica of this process takes."""
        size = len(batch["grid"]) // self.replicas
        for replica in range(self.first, self.first + self.local):
            part = slice(replica * size, (replica + 1) * size)
            yield {name: value[part] for name, value in batch.items()}


def place(strategy: str, devices: int) -> Placement:
    """Start what a strategy needs.

    Args:
        strategy: A name of `keras_ruo2.backend.STRATEGIES`.
        devices: Devices to use; 0 for all.

    Returns:
        `Placement`.

    Raises:
        ConfigError: If there are not so many devices.
    """
    return PLACES[strategy](devices)


def mirrored(devices: int) -> Placement:
    """Place on the GPUs of this machine, or on logical CPU devices where it has none."""
    import tensorflow as tf

    kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    if kind == "CPU" and devices > 1:
        make_logical_devices(tf, devices)
    available = [device.name for device in tf.config.list_logical_devices(kind)]
    check_devices(devices, available, kind)
    chosen = available[: devices or None]
    reduction = tf.distribute.HierarchicalCopyAllReduce() if kind == "CPU" else None
    strategy = tf.distribute.MirroredStrategy(chosen, cross_device_ops=reduction)
    return Placement(len(chosen), 0, len(chosen), strategy)


def make_logical_devices(tf: Any, count: int) -> None:
    """Split TensorFlow's CPU into logical devices, unless it has started already."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    parts = [tf.config.LogicalDeviceConfiguration()] * count
    with contextlib.suppress(RuntimeError):
        tf.config.set_logical_device_configuration(cpu, parts)


def multiworker(devices: int) -> Placement:
    """Place on the workers that TF_CONFIG or Slurm names."""
    import tensorflow as tf

    workers, index = find_cluster(os.environ)
    spec = tf.train.ClusterSpec({"worker": workers})
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        spec, task_type="worker", task_id=index, rpc_layer="grpc"
    )
    strategy = tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    local = strategy.num_replicas_in_sync // len(workers)

    @tf.function
    def total(wish: Any) -> Any:
        def add() -> Any:
            return tf.distribute.get_replica_context().all_reduce("SUM", tf.identity(wish))

        return strategy.experimental_local_results(strategy.run(add))[0]

    def agree(wish: bool) -> bool:
        return float(total(tf.constant(float(wish)))) > 0

    return Placement(strategy.num_replicas_in_sync, index * local, local, strategy, agree)


def data_parallel(devices: int) -> Placement:
    """Place on JAX's devices; each batch is one array that lies on all of them."""
    available = keras.distribution.list_devices()
    check_devices(devices, available, "JAX")
    chosen = available[: devices or None]
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=chosen))
    return Placement(len(chosen), 0, len(chosen))


def check_devices(devices: int, available: Sequence[Any], kind: str) -> None:
    """Raise `ConfigError` if more devices are wanted than there are."""
    if devices > len(available):
        raise ConfigError(
            f"--devices={devices}, but there are {len(available)} {kind} devices. Ask for fewer."
        )


def check_shares(phases: Iterable[tuple[int, int]], critic_steps: int, replicas: int) -> None:
    """Raise `ConfigError` unless every batch can be shared evenly."""
    for _, samples in phases:
        batch = samples // critic_steps
        if batch % replicas:
            raise ConfigError(
                f"A batch of {batch} samples cannot be shared by {replicas} replicas. "
                f"Give a --batch_size that is a multiple of {replicas}."
            )


PLACES = {
    "none": lambda devices: Placement(),
    "mirrored": mirrored,
    "multiworker": multiworker,
    "data_parallel": data_parallel,
}


def configure_process(config: CompleteTrainConfig) -> None:
    """Set what a network is built with: seeds, precision, whether the process repeats itself.

    Args:
        config: `CompleteTrainConfig`.
    """
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.precision)
    if config.deterministic and config.backend == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    elif config.deterministic and config.backend == "torch":
        import torch

        torch.use_deterministic_algorithms(True)
    # JAX repeats itself on CPUs, and GPUs were told when it started.
