"""What JAX adds to the schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import keras

from keras_ruo2.models.tensors import Tensor
from keras_ruo2.training.wgan import BaseWassersteinGAN


class WassersteinGAN(BaseWassersteinGAN):
    """The updates inside a scope that holds the values of all variables.

    Gradients need functions of values: each is traced in a scope of its own that begins with the
    values of the outer one, and what it changed besides (statistics, for example) is handed back.
    """

    def train_step(
        self, state: Sequence[list[Any]], data: Any
    ) -> tuple[dict[str, Tensor], tuple[list[Any], ...]]:
        """Run the schedule once; called by `fit` under `jax.jit`.

        Args:
            state: Lists of values: trainable, non-trainable, optimisers', metrics'.
            data: A batch.

        Returns:
            The logs and the new state.
        """
        groups = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        )
        mapping = [
            pair
            for group, values in zip(groups, state, strict=True)
            for pair in zip(group, values, strict=True)
        ]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            logs = self.run_schedule(data)
        return logs, tuple([scope.get_current_value(v) for v in group] for group in groups)

    def input_gradients(self, function: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
        """Return the gradients of `function(values)` with respect to `values`."""

        def total(values: Tensor) -> tuple[Tensor, list[Tensor]]:
            scores, changes = self.contained(lambda: function(values))
            return scores.sum(), changes

        slopes, changes = jax.grad(total, has_aux=True)(values)
        self.apply_changes(changes)
        return slopes

    def minimise(
        self,
        objective: Callable[[], tuple[Tensor, dict[str, Tensor]]],
        network: keras.Model,
        optimizer: keras.optimizers.Optimizer,
    ) -> None:
        """Update `network` once to lower `objective()`, which returns a loss and its parts."""
        weights = network.trainable_variables

        def loss_of(values: list[Tensor]) -> tuple[Tensor, Any]:
            (loss, parts), changes = self.contained(objective, zip(weights, values, strict=True))
            return loss, (parts, changes)

        gradients, (parts, changes) = jax.grad(loss_of, has_aux=True)(
            [weight.value for weight in weights]
        )
        self.apply_changes(changes)
        optimizer.apply(gradients, weights)
        self.record(parts)

    def contained(
        self, call: Callable[[], Any], replaced: Iterable[tuple[keras.Variable, Tensor]] = ()
    ) -> tuple[Any, list[Tensor]]:
        """Return what `call()` returns and the non-trainable values that it leaves behind."""
        mapping = [(v, v.value) for v in self.variables] + list(replaced)
        with keras.StatelessScope(state_mapping=mapping) as scope:
            result = call()
            changes = [scope.get_current_value(v) for v in self.non_trainable_variables]
        return result, changes

    def apply_changes(self, changes: Sequence[Tensor]) -> None:
        """Take over what a contained call has changed."""
        for variable, value in zip(self.non_trainable_variables, changes, strict=True):
            variable.assign(value)
