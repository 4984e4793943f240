"""Our training step and the plain PyTorch one, with the same weights."""

import importlib

import keras
import numpy as np
import torch

from experiments.benchmarks.plain_torch import Critic, Draws, Generator, Plan, Step
from experiments.benchmarks.plain_weights import weights_of
from keras_ruo2.models.architectures import ARCHITECTURES
from keras_ruo2.models.networks import (
    HEAD_WIDTH,
    LATENT_SIZE,
    NUM_CLASSES,
    build_critic,
    build_generator,
)
from keras_ruo2.models.variants import LABEL_SIZES, VARIANTS
from keras_ruo2.training.settings import Settings

STATE = ("running_mean", "running_var", "num_batches_tracked")
EPSILON = 1e-7  # of Keras's Adam


def make_ours(given, optimizer=None):
    """Return our model; `optimizer` makes other optimisers than its own."""
    backend = keras.backend.backend()
    base = importlib.import_module(f"keras_ruo2.training.steps.{backend}").WassersteinGAN

    class Model(base):
        def adam(self, updates, factor=1.0):
            return optimizer() if optimizer else super().adam(updates, factor)

    row, arch = VARIANTS[given.variant], ARCHITECTURES[given.arch]
    keras.utils.set_random_seed(0)
    options = {"arch": given.arch, "num_voxels": given.voxels, "width": given.width}
    generator = build_generator(given.variant, **options)
    critic = build_critic(given.variant, **options)
    settings = Settings(
        lattice=row.lattice,
        labelled=bool(row.label),
        critic_steps=given.critic_steps,
        learning_rate=arch.learning_rate,
        beta_1=arch.beta_1,
        average=arch.average,
        lattice_gradient=arch.lattice_gradient,
    )
    model = Model(generator, critic, settings, seed=0)
    model.compile(jit_compile=False)
    return model


def make_batch(given, size):
    """Return what a step eats, as NumPy arrays."""
    row, rng = VARIANTS[given.variant], np.random.default_rng(0)
    size *= given.critic_steps
    batch = {"grid": rng.uniform(size=(size, *(given.voxels,) * row.ndim, 2)).astype("float32")}
    batch["lattice"] = rng.uniform(size=(size, row.ndim)).astype("float32")
    if row.label:
        batch["label"] = rng.integers(NUM_CLASSES, size=size).astype("int32")
    return batch


def step_of(model, batch):
    """Return a function that makes one step of ours, compiled as Keras's `fit` does it."""
    data = {name: keras.ops.convert_to_tensor(value) for name, value in batch.items()}
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        step = tf.function(model.train_step)
        return lambda: step(data)
    if keras.backend.backend() == "torch":
        return lambda: model.train_step(data)
    return JaxStep(model, data)


class JaxStep:
    """A step that carries the state on, as Keras's `fit` does."""

    def __init__(self, model, data):
        import jax

        self.groups = (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )
        self.step, self.data = jax.jit(model.train_step, donate_argnums=0), data
        # Copies, because what is donated is gone.
        self.state = tuple([variable.value + 0 for variable in group] for group in self.groups)

    def __call__(self):
        _, self.state = self.step(self.state, self.data)

    def wait(self):
        """Wait until the last step is done."""
        import jax

        jax.block_until_ready(self.state)

    def finish(self):
        """Give the model its new values."""
        for group, values in zip(self.groups, self.state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)


def make_plain(given, model, draws=None, optimizer=None, activation=None):
    """Return the PyTorch step with the weights of our model."""
    row, arch = VARIANTS[given.variant], ARCHITECTURES[given.arch]
    width = given.width or arch.width_in(row.ndim)
    plan = Plan(
        ndim=row.ndim,
        voxels=given.voxels,
        latent=LATENT_SIZE,
        start=model.generator.get_layer(index=first_map(model, row.ndim)).output.shape[1],
        widths=(arch.first * width, *(b.width * width for b in arch.generator[:-1]), 2),
        strides=tuple(block.stride for block in arch.generator),
        critic_widths=tuple(block.width * width for block in arch.critic_in(row.ndim)),
        critic_strides=tuple(block.stride for block in arch.critic_in(row.ndim)),
        hidden=HEAD_WIDTH,
        classes=NUM_CLASSES if row.label else 0,
        label_size=LABEL_SIZES[row.label] if row.label else 0,
        critic_updates=given.critic_steps,
        penalty_weight=model.settings.penalty_weight,
        gamma=model.settings.gamma,
    )
    networks = Generator(plan), Critic(plan, activation)
    for network, theirs in zip(networks, (model.generator, model.critic), strict=True):
        weights = {k: torch.from_numpy(v.copy()) for k, v in weights_of(theirs, row.ndim).items()}
        missing = network.load_state_dict(weights, strict=False)
        if missing.unexpected_keys or [k for k in missing.missing_keys if not k.endswith(STATE)]:
            raise ValueError(f"The networks differ: {missing}")
        network.to(given.device)
    known = model.settings
    optimizer = optimizer or (
        lambda weights: torch.optim.Adam(
            weights, known.learning_rate, (known.beta_1, 0.9), EPSILON, fused=True
        )
    )
    draws = draws or Draws(LATENT_SIZE, given.device)
    return Step(*networks, plan, draws, optimizer, half=given.precision == "bfloat16")


def first_map(model, ndim):
    """Return the number of the generator's layer that makes its first feature map."""
    shapes = [getattr(layer.output, "shape", ()) for layer in model.generator.layers]
    return next(number for number, shape in enumerate(shapes) if len(shape) == ndim + 2)


def plain_batch(batch, device):
    """Return a batch as PyTorch's tensors, channels first."""
    batch = {name: torch.from_numpy(value).to(device) for name, value in batch.items()}
    batch["grid"] = batch["grid"].movedim(-1, 1).contiguous()
    if "label" in batch:
        batch["label"] = batch["label"].long()
    return batch
