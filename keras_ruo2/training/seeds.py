"""Random numbers that follow from the run's seed and the step alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_ruo2.models.tensors import Tensor

DRAWS_PER_STEP = 1 << 10  # more than one step makes
STEPS = 1 << 21  # then the numbers repeat: the product is what 31 bits hold


class StepSeeds(keras.random.SeedGenerator):
    """A seed for every draw of a step, the same whenever that step is made.

    Keras's own generator counts its draws in a variable, which a run that was killed has not
    saved and which gives every replica the same numbers.

    Args:
        seed: Seed of the run.
        step: Variable that holds the number of the step.
        replica: Function that returns the replica's number.
    """

    def __init__(self, seed: int, step: keras.Variable, replica: Callable[[], Any]) -> None:
        super().__init__(seed)
        self.step, self.replica = step, replica
        self.drawn = threading.local()  # each replica is traced in a thread of its own
        self.begin()

    def begin(self) -> None:
        """Begin a step: its first draw comes next."""
        self.drawn.count = 0

    def next(self, ordered: bool = True) -> Tensor:
        """Return the seed of the next draw, a tensor of two integers."""
        count = self.drawn.count = getattr(self.drawn, "count", 0) + 1
        draw = ops.mod(ops.cast(self.step.value, "int32"), STEPS) * DRAWS_PER_STEP + count
        first = ops.full_like(draw, self._initial_seed) + self.replica()
        return ops.cast(ops.stack([first, draw]), self.state.dtype)

    def serve(self, network: keras.Model) -> None:
        """Make the dropout layers of a network draw from here."""
        for layer in network._flatten_layers():
            if isinstance(layer, keras.layers.Dropout):
                layer.seed_generator.next = self.next
                # Without a seed of its own Keras would use PyTorch's global numbers instead.
                layer.seed_generator._initial_seed = self._initial_seed
