"""Several devices train as one does.

Run as a script, this file takes steps on one device and on two logical CPU devices, which must
be made before TensorFlow starts, and saves what came out.
"""

import sys
import threading

import numpy as np

LATENT, SIZE, CRITIC_STEPS, STEPS, CLASSES = 8, 8, 2, 3, 4


def make_batches(rng, voxels=8):
    """Return batches for some steps, each with the noise and the shares of all its updates."""
    count = SIZE * CRITIC_STEPS
    return [
        {
            "grid": rng.uniform(size=(count, voxels, voxels, 2)).astype("float32"),
            "lattice": rng.uniform(size=(count, 2)).astype("float32"),
            "label": rng.integers(0, CLASSES, count).astype("int32"),
            "noise": rng.normal(size=(count, LATENT)).astype("float32"),
            "share": rng.uniform(size=(count, 1, 1, 1)).astype("float32"),
        }
        for _ in range(STEPS)
    ]


def fixed_model(arch, placement):
    """Return a model whose noise and shares come with its batch, whose dropout is the same for
    every sample, and which takes plain gradient steps: Adam would hide a wrong factor."""
    import keras

    from keras_ruo2.models.networks import build_critic, build_generator
    from keras_ruo2.training.settings import Settings
    from keras_ruo2.training.steps.tensorflow import WassersteinGAN

    known = threading.local()  # replicas are traced in threads

    class Fixed(WassersteinGAN):
        def adam(self, updates):
            return keras.optimizers.SGD(0.05)

        def critic_objective(self, batch, penalised=True):
            known.batch = batch
            return super().critic_objective(batch, penalised)

        def draw_noise(self, size):
            return known.batch["noise"]

        def draw_shares(self, size, rank):
            return known.batch["share"]

    with placement.scope():
        keras.utils.set_random_seed(1)
        common = {
            "arch": arch,
            "width": 2,
            "num_voxels": 8,
            "num_classes": CLASSES,
            "label_size": 4,
            "synchronized": placement.strategy is not None,
        }
        settings = Settings(
            lattice=True, labelled=True, critic_steps=CRITIC_STEPS, average=0.9, gamma=0.5
        )
        model = Fixed(
            build_generator("joint2d", latent_size=LATENT, **common),
            build_critic("joint2d", spectral=True, **common),
            settings,
            seed=1,
        )
        model.compile()
    for layer in model.critic.layers:
        if isinstance(layer, keras.layers.Dropout):
            mask = np.random.default_rng(2).integers(0, 2, layer.input.shape[1:])
            layer.call = lambda inputs, training, mask=mask.astype("float32"): inputs * mask
    return model


def steps_taken(arch, placement):
    """Return weights and means after some steps, a dict of arrays."""
    from keras_ruo2.data.order import arrange
    from keras_ruo2.training.feed import as_tf_dataset

    order = arrange(np.arange(SIZE * CRITIC_STEPS), CRITIC_STEPS, placement.replicas)
    batches = make_batches(np.random.default_rng(0))
    batches = [{name: value[order] for name, value in batch.items()} for batch in batches]
    model = fixed_model(arch, placement)
    before = [weight.numpy() for weight in model.weights]
    history = model.fit(
        as_tf_dataset(lambda: iter(batches), placement),
        steps_per_epoch=STEPS,
        verbose=0,
        shuffle=False,
    ).history
    found = {f"mean of {name}": np.array(values) for name, values in history.items()}
    for number, (weight, old) in enumerate(zip(model.weights, before, strict=True)):
        found[f"weight {number}"] = weight.numpy()
        found[f"start {number}"] = old
        for copy in getattr(weight.value, "values", ()):  # what each replica holds
            gap = np.abs(copy.numpy().astype("float64") - weight.numpy())
            found[f"spread {number}"] = gap
    return found


def draws(placement):
    """Return what each replica draws in a step: noise, shares and what dropout leaves."""
    import keras
    import tensorflow as tf

    from keras_ruo2.models.networks import build_critic, build_generator
    from keras_ruo2.training.settings import Settings
    from keras_ruo2.training.steps.tensorflow import WassersteinGAN

    with placement.scope():
        common = {"arch": "kim", "width": 2, "num_voxels": 8}
        generator = build_generator("vanilla2d", latent_size=LATENT, **common)
        critic = build_critic("vanilla2d", **common)
        model = WassersteinGAN(generator, critic, Settings(), seed=1)
    (dropout,) = (layer for layer in critic.layers if isinstance(layer, keras.layers.Dropout))

    @tf.function
    def draw():
        model.seeds.begin()
        noise, shares = model.draw_noise(4), model.draw_shares(4, 4)
        return noise, shares, dropout(tf.ones((4, 8, 8, 2)), training=True)

    def on_each():
        drawn = [placement.strategy.experimental_local_results(x) for x in run()]
        return [np.stack([np.asarray(part) for part in parts]) for parts in drawn]

    def run():
        return placement.strategy.run(draw)

    first, again = on_each(), on_each()
    names = ("noise", "shares", "dropout")
    return {f"draw {name}": value for name, value in zip(names, first, strict=True)} | {
        f"again {name}": value for name, value in zip(names, again, strict=True)
    }


def main(out):
    """Save what one device and what two make."""
    from keras_ruo2.backend import start_backend

    start_backend("tensorflow")
    from keras_ruo2.training.devices import Placement, place

    two = place("mirrored", 2)
    found = draws(two)
    for arch in ("kim",):
        for name, placement in (("one", Placement()), ("two", two)):
            made = steps_taken(arch, placement)
            found |= {f"{arch}/{name}/{key}": value for key, value in made.items()}
    np.savez(out, **{key.replace("/", "|"): value for key, value in found.items()})


if __name__ == "__main__":
    main(sys.argv[1])
