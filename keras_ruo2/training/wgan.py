"""The WGAN-GP schedule, once, for every backend."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from keras_ruo2.models.networks import translated_axes
from keras_ruo2.models.tensors import Tensor
from keras_ruo2.training import losses
from keras_ruo2.training.augmentation import augment
from keras_ruo2.training.environments import RATE, UPDATES, EnvironmentLosses
from keras_ruo2.training.properties import PROPERTIES, range_penalty
from keras_ruo2.training.rates import Rate, ramp
from keras_ruo2.training.seeds import StepSeeds
from keras_ruo2.training.settings import Settings

# The parts of both losses that are logged, and the setting that each needs.
METRICS = {
    "critic_loss": None,
    "critic_gap": None,
    "gradient_penalty": None,
    "gradient_norm": None,
    "critic_lattice_loss": "lattice",
    "environment_gap": "environment_weight",
    "environment_penalty": "environment_weight",
    "environment_energy_error": "reads_energies",
    "generator_loss": None,
    "generator_score_loss": None,
    "generator_lattice_loss": "lattice",
    "generator_matching_loss": "feature_matching",
    "generator_property_loss": "wanted",
    "generator_environment_loss": "environment_weight",
    "generator_energy_loss": "reads_energies",
    "generator_misfit_loss": "penalises_misfits",
    "generator_rest_loss": "pulls_to_rest",
}


class Optimizers:
    """Both optimisers as the one whose variables Keras's JAX trainer carries."""

    built = True

    def __init__(self, *optimizers: keras.optimizers.Optimizer) -> None:
        self.optimizers = optimizers

    @property
    def variables(self) -> list[keras.Variable]:
        return [variable for optimizer in self.optimizers for variable in optimizer.variables]


class BaseWassersteinGAN(keras.Model):
    """Five (or so) critic updates, each on its own batch and noise, then one of the generator.

    A backend adds `input_gradients(function, values)`, `minimise(objective, network, optimizer)`
    and `train_step`. All randomness of a step follows from the seed and the step's number, so
    that a resumed run draws what an uninterrupted one would have drawn.

    Args:
        generator: From `build_generator`.
        critic: From `build_critic`.
        settings: `keras_ruo2.training.settings.Settings`.
        seed: Seed of noise, dropout, interpolation and augmentation.
        environment_critic: From `build_environment_critic`, for a generator that places atoms.
    """

    def __init__(
        self,
        generator: keras.Model,
        critic: keras.Model,
        settings: Settings,
        *,
        seed: int,
        environment_critic: keras.Model | None = None,
    ) -> None:
        super().__init__(name="wgan")
        self.generator, self.critic = generator, critic
        self.environments = None
        if environment_critic is not None:
            self.environment_critic = environment_critic
            anchors = generator.get_layer("occupy").anchors
            self.environments = EnvironmentLosses(self, environment_critic, anchors)
        self.averaged = keras.models.clone_model(generator)
        self.averaged.set_weights(generator.get_weights())
        self.averaged.trainable = False
        self.settings = settings
        self.latent_size = tuple(generator.inputs)[0].shape[-1]
        self.step = self.add_weight(
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
            name="step",
        )
        self.seeds = StepSeeds(seed, self.step, self.replica)
        self.seeds.serve(generator)
        self.seeds.serve(critic)
        names = [name for name, need in METRICS.items() if not need or getattr(settings, need)]
        self.means = {name: keras.metrics.Mean(name) for name in names}
        self.built = True

    def compile(self, **options: Any) -> None:
        """Make both optimisers and build them, within the strategy's scope."""
        super().compile(optimizer=None, **options)
        self.critic_optimizer = self.adam(self.settings.critic_steps)
        self.generator_optimizer = self.adam(1)
        self.critic_optimizer.build(self.critic.trainable_variables)
        self.generator_optimizer.build(self.generator.trainable_variables)
        optimizers = [self.critic_optimizer, self.generator_optimizer]
        if self.environments:
            updates = UPDATES * self.settings.critic_steps
            self.environment_optimizer = self.adam(updates, RATE)
            self.environment_optimizer.build(self.environment_critic.trainable_variables)
            optimizers.append(self.environment_optimizer)
        self.optimizer = Optimizers(*optimizers)

    def adam(self, updates: int, factor: float = 1.0) -> keras.optimizers.Adam:
        """Return a new optimiser for a network that makes so many updates in a step.

        Its learning rate is that of the settings times `factor`.
        """
        known = self.settings
        rate = Rate(
            factor * known.learning_rate,
            known.rate_schedule,
            num_steps=max(updates * known.num_steps, 1),
            warmup=updates * known.warmup,
        )
        return keras.optimizers.Adam(rate, known.beta_1, 0.9)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self.means.values())

    @property
    def steps_made(self) -> int:
        """Generator updates that have been made, a plain number on any device."""
        return int(self.step.numpy())

    def call(self, inputs: Any) -> dict[str, Tensor]:
        """Return what the averaged generator makes of noise (and classes)."""
        return self.averaged(inputs, training=False)

    def replica(self) -> Tensor:
        """Return the number of this replica; a backend with several overrides it."""
        return 0

    def run_schedule(self, data: Any) -> dict[str, Tensor]:
        """Give every critic update fresh samples, then update the generator once.

        Args:
            data: Dict with `grid` and, as the variant needs them, `label` and scaled `lattice`;
                the first axis holds `critic_steps` batches.

        Returns:
            Dict of running means, see `METRICS`.
        """
        data, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        self.seeds.begin()
        size = ops.shape(data["grid"])[0] // self.settings.critic_steps
        for number in range(self.settings.critic_steps):
            batch = {k: value[number * size : (number + 1) * size] for k, value in data.items()}
            made = self.draw_samples(batch)
            objective = functools.partial(self.critic_objective, batch, made)
            self.minimise(objective, self.critic, self.critic_optimizer)
            if self.environments:
                objective = functools.partial(self.environments.objective, batch, made)
                for _ in range(UPDATES):
                    self.minimise(objective, self.environment_critic, self.environment_optimizer)
        self.minimise(
            lambda: self.generator_objective(batch), self.generator, self.generator_optimizer
        )
        self.update_ema()
        self.step.assign(self.step + 1)
        return {name: mean.result() for name, mean in self.means.items()}

    def draw_samples(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return what the generator makes of fresh noise for critics, as many as a real batch."""
        noise = self.draw_noise(ops.shape(batch["grid"])[0])
        made = self.generator(self.inputs(noise, batch.get("label")), training=True)
        return {name: ops.stop_gradient(values) for name, values in made.items()}

    def critic_objective(
        self, batch: Mapping[str, Tensor], made: Mapping[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the critic's loss on real and generated samples, or fresh ones, and its parts."""
        label = batch.get("label")
        made = self.draw_samples(batch) if made is None else made
        real, fake = self.augment(batch["grid"]), self.augment(made["grid"])
        seen = self.score(real, label)
        gap = losses.critic_loss(seen["score"], self.score(fake, label)["score"])
        slopes = self.gradients(real, fake, label)
        penalty = losses.gradient_penalty(slopes)
        norm = ops.mean(losses.slope_norms(slopes))
        parts = {"critic_gap": gap, "gradient_penalty": penalty, "gradient_norm": norm}
        loss = gap + self.settings.penalty_weight * penalty
        if self.settings.lattice:
            parts["critic_lattice_loss"] = losses.lattice_loss(seen["lattice"], batch["lattice"])
            loss = loss + parts["critic_lattice_loss"]
        return loss, {"critic_loss": loss, **parts}

    def gradients(self, real: Tensor, fake: Tensor, label: Tensor | None = None) -> Tensor:
        """Return the critic's gradients at points drawn uniformly between real and fake."""
        share = self.draw_shares(ops.shape(real)[0], len(real.shape))
        between = share * real + (1 - share) * fake
        return self.input_gradients(lambda grid: self.score(grid, label)["score"], between)

    def generator_objective(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the generator's loss on as many samples as a real batch has, and its parts."""
        known, label = self.settings, batch.get("label")
        noise = self.draw_noise(ops.shape(batch["grid"])[0])
        made = self.generator(self.inputs(noise, label), training=True)
        seen = self.score(self.augment(made["grid"]), label)
        loss = losses.generator_loss(seen["score"])
        parts = {"generator_score_loss": loss}
        if known.lattice:
            reading = ops.sigmoid(seen["lattice"])
            if known.lattice_gradient == "generator":
                reading = ops.stop_gradient(reading)
            parts["generator_lattice_loss"] = losses.lattice_loss(made["lattice"], reading)
            loss = loss + self.gamma() * parts["generator_lattice_loss"]
        if known.feature_matching:
            real = ops.stop_gradient(self.score(self.augment(batch["grid"]), label)["features"])
            parts["generator_matching_loss"] = losses.feature_matching_loss(real, seen["features"])
            loss = loss + known.feature_matching * parts["generator_matching_loss"]
        if known.wanted:
            values = PROPERTIES[known.wanted].function(made["grid"])
            parts["generator_property_loss"] = range_penalty(values, *known.wanted_range)
            loss = loss + known.wanted_weight * parts["generator_property_loss"]
        if self.environments:
            extra, added = self.environments.generator_terms(made, batch)
            loss, parts = loss + extra, parts | added
        return loss, {"generator_loss": loss, **parts}

    def gamma(self) -> Tensor:
        """Return the weight of the generator's lattice loss at this step."""
        known = self.settings
        if known.gamma_end is None:
            return known.gamma
        return ramp(self.step, known.gamma, known.gamma_end, known.gamma_steps)

    def inputs(self, values: Tensor, label: Tensor | None) -> Tensor:
        """Return what a network takes: values alone, or with the classes."""
        return [values, label] if self.settings.labelled else values

    def score(self, grid: Tensor, label: Tensor | None) -> dict[str, Tensor]:
        """Return what the critic says of grids."""
        return self.critic(self.inputs(grid, label), training=True)

    def augment(self, grid: Tensor) -> Tensor:
        """Return grids as the critic is shown them."""
        axes = translated_axes(self.settings.translated, len(grid.shape) - 2)
        return augment(grid, self.settings.augment, self.seeds, axes)

    def draw_noise(self, size: Tensor) -> Tensor:
        """Return `size` noise vectors."""
        return keras.random.normal((size, self.latent_size), dtype="float32", seed=self.seeds)

    def draw_shares(self, size: Tensor, rank: int) -> Tensor:
        """Return a number in [0, 1] for each of `size` samples, broadcast to `rank` axes."""
        shape = (size,) + (1,) * (rank - 1)
        return keras.random.uniform(shape, dtype="float32", seed=self.seeds)

    def draw_atoms(self, logits: Tensor, count: int) -> Tensor:
        """Return the numbers of `count` atoms of each sample, drawn by logits `(batch, atoms)`."""
        return keras.random.categorical(logits, count, dtype="int32", seed=self.seeds)

    def record(self, values: Mapping[str, Tensor]) -> None:
        """Add to the running means."""
        for name, value in values.items():
            self.means[name].update_state(ops.stop_gradient(value))

    def update_ema(self) -> None:
        """Move the averaged weights towards the generator's, faster while the run is young."""
        step = ops.cast(self.step, "float32")
        decay = ops.minimum(self.settings.average, (1 + step) / (10 + step))
        for mean, weight in zip(self.averaged.weights, self.generator.weights, strict=True):
            mean.assign(decay * mean + (1 - decay) * weight)
