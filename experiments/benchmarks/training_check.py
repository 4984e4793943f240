"""Whether our training step and the plain PyTorch one change the weights alike."""

import argparse
import contextlib
import itertools
from unittest import mock

import keras
import numpy as np
import torch

from experiments.benchmarks import training_ways as ways
from experiments.benchmarks.plain_weights import array, weights_of
from keras_ruo2.models.networks import LATENT_SIZE
from keras_ruo2.models.variants import VARIANTS

DESCENT, MOMENTUM = 1e-5, 0.9  # of the step that is compared: larger steps amplify rounding
CLOSE = 1e-4
ZERO = 1e-6  # a gradient that is rounding only
RATE, BETA = 2e-4, 0.5


class Fixed:
    """Noise, shares and dropout that only the number of the draw decides."""

    def __init__(self):
        self.counts = {kind: itertools.count() for kind in ("noise", "shares", "mask")}

    def generator(self, kind):
        """Return the random numbers of the next draw of a kind."""
        return np.random.default_rng([len(kind), next(self.counts[kind])])

    def noise(self, size):
        """Return noise vectors."""
        return self.generator("noise").normal(size=(size, LATENT_SIZE)).astype("float32")

    def shares(self, size, rank):
        """Return a share for each sample."""
        shape = (size,) + (1,) * (rank - 1)
        return self.generator("shares").uniform(size=shape).astype("float32")

    def mask(self, shape):
        """Return factors of 0 or 2, channels last."""
        return 2 * self.generator("mask").integers(2, size=tuple(shape)).astype("float32")


class FixedDraws:
    """`Fixed` as PyTorch's tensors."""

    def __init__(self, fixed, device):
        self.fixed, self.device = fixed, device

    def noise(self, size):
        return torch.from_numpy(self.fixed.noise(size)).to(self.device)

    def shares(self, size, ndim):
        return torch.from_numpy(self.fixed.shares(size, ndim + 2)).to(self.device)


class FixedDropout(torch.nn.Module):
    """Dropout by a mask of `Fixed`."""

    def __init__(self, fixed):
        super().__init__()
        self.fixed = fixed

    def forward(self, inputs):
        mask = self.fixed.mask((inputs.shape[0], *inputs.shape[2:], inputs.shape[1]))
        return inputs * torch.from_numpy(mask).movedim(-1, 1).to(inputs.device)


def compare(given):
    """Return how far the changes of one step are apart."""
    given = argparse.Namespace(**vars(given) | {"precision": "float32"})
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        found = update_difference(given)
    finally:
        keras.config.set_dtype_policy(policy)
    found["adam_difference"] = adam_difference(given.device)
    return {name: float(f"{value:.2g}") for name, value in found.items()}


def update_difference(given):
    """Return how far the updates of a whole step are apart.

    What is compared is the velocity of descent with momentum, in which the gradients of all
    updates are: a weight's own change has few digits beside the weight.

    Returns:
        Dict: the largest difference of any weight's updates over the largest of them; the number
        of single values that are more than `CLOSE` of that largest apart; and the difference of
        all weights together, in the Euclidean norm over that of the updates.
    """
    ndim = VARIANTS[given.variant].ndim
    model = ways.make_ours(given, lambda: keras.optimizers.SGD(DESCENT, momentum=MOMENTUM))
    fixed = Fixed()
    plain = ways.make_plain(
        given,
        model,
        FixedDraws(fixed, given.device),
        lambda weights: torch.optim.SGD(weights, DESCENT, momentum=MOMENTUM),
    )
    plain.critic.dropout = FixedDropout(fixed)
    batch = ways.make_batch(given, given.checked_batch)
    plain(ways.plain_batch(batch, given.device))
    with fixed_draws(model):
        step = ways.step_of(model, batch)
        step()
    if hasattr(step, "finish"):
        step.finish()
    pairs = zip(
        (model.generator, model.critic),
        (model.generator_optimizer, model.critic_optimizer),
        (plain.generator, plain.critic),
        plain.optimizers,
        strict=True,
    )
    apart = [row for pair in pairs for row in velocity_differences(ndim, *pair)]
    largest, beyond, squares, wanted = np.array(apart).T
    return {
        "update_difference": largest.max(),
        "values_beyond_1e-4": beyond.sum(),
        "update_norm_difference": np.sqrt(squares.sum() / wanted.sum()),
    }


def velocity_differences(ndim, ours, optimizer, theirs, other):
    """Yield for each weight how far its velocities are apart; puts ours in the weights' places."""
    for weight, velocity in zip(ours.trainable_variables, optimizer.momentums, strict=True):
        weight.assign(velocity)
    velocities = weights_of(ours, ndim)
    for name, parameter in theirs.named_parameters():
        buffer = other.state[parameter].get("momentum_buffer")
        wanted = np.zeros(1) if buffer is None else -DESCENT * buffer.cpu().numpy()
        apart = np.abs(velocities[name] - wanted)
        if apart.max() > DESCENT * ZERO:  # the score's bias has no gradient
            shares = apart / np.abs(wanted).max()
            yield shares.max(), (shares > CLOSE).sum(), (apart**2).sum(), (wanted**2).sum()


@contextlib.contextmanager
def fixed_draws(model):
    """Let our model use the numbers of `Fixed`."""
    fixed = Fixed()

    def drop(self, inputs, training=False):
        return inputs * keras.ops.convert_to_tensor(fixed.mask(inputs.shape))

    def draw_noise(size):
        return keras.ops.convert_to_tensor(fixed.noise(int(size)))

    def draw_shares(size, rank):
        return keras.ops.convert_to_tensor(fixed.shares(int(size), rank))

    with (
        mock.patch.object(keras.layers.Dropout, "call", drop),
        mock.patch.object(model, "draw_noise", draw_noise),
        mock.patch.object(model, "draw_shares", draw_shares),
    ):
        yield


def adam_difference(device):
    """Return how far three updates of both rules are apart, with the same gradients."""
    rng = np.random.default_rng(0)
    start, gradients = np.zeros(1000, "float32"), rng.normal(size=(3, 1000)).astype("float32")
    ours = keras.Variable(start)
    rule = keras.optimizers.Adam(RATE, BETA, 0.9)
    theirs = torch.nn.Parameter(torch.from_numpy(start.copy()).to(device))
    other = torch.optim.Adam([theirs], RATE, (BETA, 0.9), ways.EPSILON, fused=True)
    for gradient in gradients:
        with torch.no_grad():
            rule.apply([keras.ops.convert_to_tensor(gradient)], [ours])
        theirs.grad = torch.from_numpy(gradient).to(device)
        other.step()
    changes = array(ours.value), theirs.detach().cpu().numpy()
    return float(np.abs(changes[0] - changes[1]).max() / np.abs(changes[1]).max())
