"""What TensorFlow adds to the schedule."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from keras_ruo2.models.tensors import Tensor
from keras_ruo2.training.wgan import BaseWassersteinGAN

if TYPE_CHECKING:
    import keras


class WassersteinGAN(BaseWassersteinGAN):
    """The updates with TensorFlow's tapes; the penalty's tape is nested in the critic's."""

    def train_step(self, data: Any) -> dict[str, Tensor]:
        """Run the schedule once; called by `fit`.

        Over several workers Keras takes the mean of the logs along their first axis, which
        numbers do not have.
        """
        logs = self.run_schedule(data)
        workers = isinstance(
            tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy
        )
        return {name: value[None] if workers else value for name, value in logs.items()}

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Do nothing: the model is built, and Keras cannot add up a batch of several workers."""

    def replica(self) -> Tensor:
        """Return the number of this replica, so that each draws noise of its own."""
        context = tf.distribute.get_replica_context()
        return 0 if context is None else context.replica_id_in_sync_group

    def input_gradients(self, function: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
        """Return the gradients of `function(values)` with respect to `values`."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            scores = function(values)
        return tape.gradient(scores, values)

    def minimise(
        self,
        objective: Callable[[], tuple[Tensor, dict[str, Tensor]]],
        network: keras.Model,
        optimizer: keras.optimizers.Optimizer,
    ) -> None:
        """Update `network` once to lower `objective()`, which returns a loss and its parts.

        Keras adds up the gradients of all replicas, so each contributes its share.
        """
        weights = network.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([weight.value for weight in weights])
            loss, values = objective()
            share = loss / tf.distribute.get_strategy().num_replicas_in_sync
        optimizer.apply(tape.gradient(share, [weight.value for weight in weights]), weights)
        self.record(values)
