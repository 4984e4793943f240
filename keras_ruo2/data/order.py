"""Which records make up a step: a pure function of the seed and the step's number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from keras_ruo2.errors import ConfigError, check_range


class Order:
    """The order in which a run sees its records, the same on every backend.

    An epoch is a permutation of all records, cut into steps; records that do not fill a step are
    left out of that epoch. Where the size of a step changes, a new epoch begins.

    Args:
        num_records: Records to choose from.
        seed: Seed of the order.
        phases: Pairs `(first_step, samples_per_step)` in ascending order, the first at step 0.

    Raises:
        ConfigError: If the phases are not so, or a step takes more records than there are.
    """

    def __init__(self, num_records: int, seed: int, phases: Sequence[tuple[int, int]]) -> None:
        starts = [first for first, _ in phases]
        if not starts or starts[0] != 0 or sorted(set(starts)) != starts:
            raise ConfigError(
                f"Phases begin at the steps {starts}. Expected 0, then ascending numbers."
            )
        for _, size in phases:
            if not 1 <= size <= num_records:
                raise ConfigError(
                    f"A step takes {size} records of {num_records}. Expected 1 to {num_records}: "
                    "lower the batch size."
                )
        self.num_records, self.seed, self.phases = num_records, seed, tuple(phases)
        self.epoch: tuple[int, int] | None = None
        self.permutation = np.empty(0, np.int64)

    def samples(self, step: int) -> int:
        """Return how many records a step takes."""
        return self.phases[self.phase(step)][1]

    def indices(self, step: int) -> NDArray[np.int64]:
        """Return the numbers of a step's records, int64 of shape `(samples(step),)`."""
        phase = self.phase(step)
        first, size = self.phases[phase]
        epoch, place = divmod(step - first, self.num_records // size)
        if self.epoch != (phase, epoch):  # steps come in turn: only the last epoch is kept
            rng = np.random.default_rng([self.seed, phase, epoch])
            self.epoch, self.permutation = (phase, epoch), rng.permutation(self.num_records)
        return self.permutation[place * size : (place + 1) * size]

    def phase(self, step: int) -> int:
        """Return the number of the phase that a step belongs to."""
        if step < 0:
            raise ValueError(f"step is {step}, expected at least 0")
        return sum(first <= step for first, _ in self.phases) - 1


def deal_to_replicas(
    indices: NDArray[np.int64], critic_steps: int, replicas: int
) -> NDArray[np.int64]:
    """Reorder a step so that several replicas see together what a single device sees.

    A step's batch is cut contiguously among the replicas, and each share contiguously among the
    critic updates. After this reordering the k-th parts of all shares together are the k-th part
    of the batch as one device would cut it.

    Args:
        indices: Numbers of a step's records, shape `(n,)`.
        critic_steps: Critic updates in a step.
        replicas: Devices that share the batch.

    Returns:
        Array of shape `(n,)`; with one replica `indices` as they were.

    Raises:
        ConfigError: If n is not a multiple of `critic_steps * replicas`.
    """
    indices = np.asarray(indices)
    if replicas == 1:
        return indices
    if len(indices) % (critic_steps * replicas):
        raise ConfigError(
            f"A step of {len(indices)} samples cannot be shared by {replicas} devices and "
            f"{critic_steps} critic updates. Give a batch size that is a multiple of {replicas}."
        )
    return indices.reshape(critic_steps, replicas, -1).swapaxes(0, 1).reshape(-1)


def phases(
    batch_size: int, critic_steps: int, grow_every: int, grow_until: int
) -> tuple[tuple[int, int], ...]:
    """Plan how many samples each training step takes.

    The batch doubles every `grow_every` steps as long as it stays within `grow_until`. A step
    takes `critic_steps` batches, each for one update of the critic.

    Args:
        batch_size: Samples per critic update at the start.
        critic_steps: Critic updates per training step.
        grow_every: Training steps between two doublings; 0 keeps the batch as it is.
        grow_until: Largest number of samples per critic update; ignored if `grow_every` is 0.

    Returns:
        Tuple of pairs `(first_step, samples_per_step)`: from training step `first_step` on, counted
        from 0, a step takes `samples_per_step` samples. The first pair starts at step 0.

    Raises:
        ConfigError: If a number is too small, or `grow_until` below `batch_size`.

    Source:
        Growing batches are in the outlook of the thesis; doubling at fixed intervals is ours.
    """
    check_range("batch_size", batch_size, 1)
    check_range("critic_steps", critic_steps, 1)
    check_range("grow_every", grow_every, 0)
    plan = [(0, batch_size * critic_steps)]
    if grow_every:
        check_range("grow_until", grow_until, batch_size)
        while 2 * batch_size <= grow_until:
            batch_size *= 2
            plan.append((len(plan) * grow_every, batch_size * critic_steps))
    return tuple(plan)
