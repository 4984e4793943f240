"""What PyTorch adds to the schedule."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from keras_ruo2.models.tensors import Tensor
from keras_ruo2.training.wgan import BaseWassersteinGAN

if TYPE_CHECKING:
    import keras


class WassersteinGAN(BaseWassersteinGAN):
    """The updates with PyTorch's autograd, which keeps the penalty's graph for the critic's."""

    def train_step(self, data: Any) -> dict[str, Tensor]:
        """Run the schedule once; called by `fit`."""
        return self.run_schedule(data)

    def input_gradients(self, function: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
        """Return the gradients of `function(values)` with respect to `values`."""
        values = values.detach().requires_grad_(True)
        (slopes,) = torch.autograd.grad(function(values).sum(), values, create_graph=True)
        return slopes

    def minimise(
        self,
        objective: Callable[[], tuple[Tensor, dict[str, Tensor]]],
        network: keras.Model,
        optimizer: keras.optimizers.Optimizer,
    ) -> None:
        """Update `network` once to lower `objective()`, which returns a loss and its parts."""
        weights = network.trainable_variables
        loss, values = objective()
        gradients = torch.autograd.grad(
            loss, [weight.value for weight in weights], materialize_grads=True
        )
        with torch.no_grad():
            optimizer.apply(list(gradients), weights)
            self.record(values)

    def update_ema(self) -> None:
        """Move the averaged weights without a graph."""
        with torch.no_grad():
            super().update_ema()
