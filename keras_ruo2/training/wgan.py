"""The WGAN-GP schedule, once, for every backend."""

import keras
from keras import ops

from keras_ruo2.training import losses

METRICS = (
    "critic_loss",
    "critic_gap",
    "gradient_penalty",
    "gradient_norm",
    "critic_lattice_loss",
    "generator_loss",
    "generator_score_loss",
    "generator_lattice_loss",
)
DRAWS_PER_STEP = 1 << 10  # more than one step makes; 32 bits then last for 4 million steps


class Schedule(keras.Model):
    """Five (or so) critic updates, each on its own batch and noise, then one of the generator.

    A backend adds `input_gradients(function, values)`, `minimise(objective, network, optimizer)`
    and `train_step`. All randomness of a step follows from the seed and the step's number, so
    that a resumed run draws what an uninterrupted one would have drawn.

    Args:
        generator: From `build_generator`.
        critic: From `build_critic`.
        settings: `keras_ruo2.training.settings.Settings`.
        seed: Seed of noise, dropout and interpolation.
    """

    def __init__(self, generator, critic, settings, *, seed):
        super().__init__(name="wgan")
        self.generator, self.critic = generator, critic
        self.averaged = keras.models.clone_model(generator)
        self.averaged.set_weights(generator.get_weights())
        self.averaged.trainable = False
        self.settings = settings
        self.noise = keras.random.SeedGenerator(seed)
        self.base_seed = seed
        self.step = self.add_weight(
            shape=(), dtype="int64", initializer="zeros", trainable=False, name="step"
        )
        names = [name for name in METRICS if settings.lattice or "lattice" not in name]
        self.means = {name: keras.metrics.Mean(name) for name in names}
        self.built = True

    def compile(self, **options):
        """Make both optimisers and build them, within the strategy's scope."""
        super().compile(optimizer=None, **options)
        self.critic_optimizer = self.adam()
        self.generator_optimizer = self.adam()
        self.critic_optimizer.build(self.critic.trainable_variables)
        self.generator_optimizer.build(self.generator.trainable_variables)

    def adam(self):
        """Return a new optimiser."""
        return keras.optimizers.Adam(self.settings.learning_rate, self.settings.beta_1, 0.9)

    @property
    def metrics(self):
        return list(self.means.values())

    def call(self, noise):
        """Return what the averaged generator makes of `noise`."""
        return self.averaged(noise, training=False)

    def run_schedule(self, data):
        """Give every critic update fresh samples, then update the generator once.

        Args:
            data: Dict with `grid` and, where lengths are predicted, scaled `lattice`; the first
                axis holds `critic_steps` batches.

        Returns:
            Dict of running means, see `METRICS`.
        """
        data, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        self.reseed()
        size = ops.shape(data["grid"])[0] // self.settings.critic_steps
        for number in range(self.settings.critic_steps):
            part = slice(number * size, (number + 1) * size)
            batch = {name: value[part] for name, value in data.items()}
            self.minimise(
                lambda batch=batch: self.critic_objective(batch), self.critic, self.critic_optimizer
            )
        self.minimise(
            lambda: self.generator_objective(size), self.generator, self.generator_optimizer
        )
        self.follow()
        self.step.assign_add(1)
        return {name: mean.result() for name, mean in self.means.items()}

    def critic_objective(self, batch):
        """Return the critic's loss on a batch of real samples and its parts."""
        real = batch["grid"]
        size = ops.shape(real)[0]
        fake = ops.stop_gradient(self.generator(self.draw_noise(size), training=True)["grid"])
        seen = self.critic(real, training=True)
        gap = losses.critic_loss(seen["score"], self.critic(fake, training=True)["score"])
        slopes = self.slopes(real, fake)
        penalty = losses.gradient_penalty(slopes)
        loss = gap + self.settings.penalty_weight * penalty
        parts = {
            "critic_gap": gap,
            "gradient_penalty": penalty,
            "gradient_norm": ops.mean(losses.slope_norms(slopes)),
        }
        if self.settings.lattice:
            parts["critic_lattice_loss"] = losses.lattice_loss(seen["lattice"], batch["lattice"])
            loss += parts["critic_lattice_loss"]
        return loss, {"critic_loss": loss, **parts}

    def slopes(self, real, fake):
        """Return the critic's gradients at points drawn uniformly between real and fake."""
        share = keras.random.uniform(
            (ops.shape(real)[0],) + (1,) * (len(real.shape) - 1), seed=self.noise
        )
        between = share * real + (1 - share) * fake
        return self.input_gradients(lambda grid: self.critic(grid, training=True)["score"], between)

    def generator_objective(self, size):
        """Return the generator's loss on `size` samples and its parts."""
        made = self.generator(self.draw_noise(size), training=True)
        seen = self.critic(made["grid"], training=True)
        loss = losses.generator_loss(seen["score"])
        parts = {"generator_score_loss": loss}
        if self.settings.lattice:
            reading = ops.sigmoid(seen["lattice"])
            if self.settings.lattice_gradient == "generator":
                reading = ops.stop_gradient(reading)
            parts["generator_lattice_loss"] = losses.lattice_loss(made["lattice"], reading)
            loss += self.settings.gamma * parts["generator_lattice_loss"]
        return loss, {"generator_loss": loss, **parts}

    def draw_noise(self, size):
        """Return `size` noise vectors."""
        return keras.random.normal((size, self.generator.input_shape[-1]), seed=self.noise)

    def record(self, values):
        """Add to the running means."""
        for name, value in values.items():
            self.means[name].update_state(value)

    def reseed(self):
        """Derive the state of every random generator from the seed and the step."""
        draws = self.step * DRAWS_PER_STEP
        for number, generator in enumerate(self.seed_generators()):
            state = ops.stack([ops.full_like(draws, self.base_seed + number), draws])
            generator.state.assign(ops.cast(state, generator.state.dtype))

    def seed_generators(self):
        """Return the model's own random generator and those of its dropout layers."""
        layers = [*self.critic._flatten_layers(), *self.generator._flatten_layers()]
        return [self.noise] + [
            layer.seed_generator for layer in layers if isinstance(layer, keras.layers.Dropout)
        ]

    def follow(self):
        """Move the averaged weights towards the generator's, faster while the run is young."""
        step = ops.cast(self.step, "float32")
        decay = ops.minimum(self.settings.average, (1 + step) / (10 + step))
        for mean, weight in zip(self.averaged.weights, self.generator.weights, strict=True):
            mean.assign(decay * mean + (1 - decay) * weight)
