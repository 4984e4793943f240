"""The whole schedule gives the same numbers on every backend.

Run as a script, this file computes them on the backend of `KERAS_BACKEND` and saves them. Weights,
batch, noise and interpolation shares come from NumPy generators with fixed seeds.
"""

import importlib
import os
import sys

import numpy as np
import pytest

LATENT, SIZE, STEP = 8, 4, 3
OPTIONS = {
    "gamma_end": 2.0,
    "gamma_steps": 10,
    "feature_matching": 0.5,
    "wanted": "oxygen_per_ruthenium",
    "wanted_range": (2.5, 3.0),  # random grids have about one O for each Ru
}
FOR_ATOMS = ("environment_weight", "energy_weight", "misfit_weight", "rest_weight")
# Variant, architecture, options of the critic and of the schedule.
CASES = {
    "kim": ("integer_lattice2d", "kim", {}, {}),
    "options": (
        "onehot_lattice2d",
        "waves",
        {"minibatch_kernels": 4},
        {"critic_steps": 2, **OPTIONS},
    ),
    "solid": ("joint3d", "waves", {}, {}),
    "atoms": ("joint3d", "atoms", {}, dict.fromkeys(FOR_ATOMS, 0.3)),
}
RATE = 0.1
COMPARED = ("loss", "gradient")
# TensorFlow need not trace a graph for a single step; PyTorch's compiler has no second derivatives.
COMPILE = {"tensorflow": {"run_eagerly": True}, "jax": {}, "torch": {"jit_compile": False}}


def fixed(base):
    """Return a trainer without randomness of its own that descends by plain gradients.

    The momenta that its optimisers keep are -RATE times the gradient after a first update, and
    a weighted sum of gradients after a second one.
    """
    import keras
    from keras import ops

    class Fixed(base):
        draws = 0

        def draw_noise(self, size):
            self.draws += 1
            rng = np.random.default_rng([0, self.draws])
            return ops.convert_to_tensor(
                rng.normal(size=(SIZE, self.latent_size)).astype("float32")
            )

        def draw_shares(self, size, rank):
            rng = np.random.default_rng([1, self.draws])
            shares = rng.uniform(size=(int(size),) + (1,) * (rank - 1))
            return ops.convert_to_tensor(shares.astype("float32"))

        def draw_atoms(self, logits, count):
            order = ops.argsort(-logits, axis=1)
            return ops.cast(order[:, :count], "int32")

        def adam(self, updates, factor=1.0):
            return keras.optimizers.SGD(RATE, momentum=0.9)

    return Fixed


def make_model(case, backend, trainer=fixed):
    """Return a small model with known weights."""
    import keras

    from keras_ruo2.models.environments import build_environment_critic
    from keras_ruo2.models.networks import build_critic, build_generator
    from keras_ruo2.training.settings import Settings
    from tests import slabs

    variant, arch, of_critic, of_schedule = CASES[case]
    common = {"arch": arch, "width": 2, "num_voxels": 8, "label_size": 20}
    known, extra, latent = {"repeats": {1: 2, 2: 1}}, {}, LATENT
    if arch == "atoms":
        known, latent = {"anchors": slabs.anchors(), "bounds": slabs.bounds(3)}, slabs.LATENT
        extra["environment_critic"] = build_environment_critic(10)
    generator = build_generator(variant, latent_size=latent, **known, **common)
    critic = build_critic(variant, **common, **of_critic)
    for layer in critic.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0  # every backend would drop other units
    for seed, network in enumerate((generator, critic, *extra.values())):
        randomise(network, np.random.default_rng(seed))
    base = importlib.import_module(f"keras_ruo2.training.steps.{backend}").WassersteinGAN
    settings = {"critic_steps": 1, "gamma": 1.0, "lattice": True, "labelled": True, **of_schedule}
    model = trainer(base)(generator, critic, Settings(**settings), seed=0, **extra)
    model.compile(**COMPILE[backend])
    model.step.assign(STEP)
    return model


def randomise(network, rng):
    """Give a network weights that any backend would be given: biases and scales near theirs."""
    from keras import ops

    for weight in network.trainable_variables:
        values = rng.normal(size=weight.shape)
        if len(weight.shape) > 1:
            values *= np.prod(weight.shape[:-1]) ** -0.5
        else:
            values = ops.convert_to_numpy(weight) + 0.1 * values
        weight.assign(values.astype("float32"))


def make_batch(case, count):
    """Return random grids, lengths and classes."""
    from keras import ops

    ndim = 3 if case in ("solid", "atoms") else 2
    rng = np.random.default_rng(2)
    batch = {
        "grid": rng.uniform(size=(count, *(8,) * ndim, 2)).astype("float32"),
        "lattice": rng.uniform(size=(count, ndim)).astype("float32"),
        "label": rng.integers(10, size=count).astype("int32"),
    }
    if case == "atoms":
        from tests import slabs

        found = slabs.motifs()
        found = [found[k % len(found)] for k in range(count)]
        batch |= slabs.batch_of(found, 24) | slabs.resting_batch(found, slabs.anchors())
        batch["energy"] = rng.normal(size=count).astype("float32")
    return {name: ops.convert_to_tensor(value) for name, value in batch.items()}


def one_step(case, backend):
    """Return losses, gradients and every weight after a whole step, made as `fit` makes it."""
    model = make_model(case, backend)
    model.train_on_batch(make_batch(case, SIZE * model.settings.critic_steps))
    found = {f"loss/{name}": mean.result() for name, mean in model.means.items()}
    networks = ["critic", "generator"] + ["environment_critic"] * bool(model.environments)
    for network in networks:
        optimizer = f"{network.removesuffix('_critic')}_optimizer"
        momenta = getattr(model, optimizer).momentums
        found |= {f"gradient/{network}/{k}": m.value / -RATE for k, m in enumerate(momenta)}
        weights = enumerate(getattr(model, network).weights)
        found |= {f"weight/{network}/{k}": weight.value for k, weight in weights}
    return found | {f"average/{k}": weight.value for k, weight in enumerate(model.averaged.weights)}


def adam_updates(backend):
    """Return a generator's weights after three updates by Adam with given gradients.

    A gradient of nearly nothing is a whole step for Adam, whatever its sign, so that its weights
    can only be compared where gradients are equal.
    """
    from keras import ops

    model = make_model("kim", backend, trainer=lambda base: base)
    weights = model.generator.trainable_variables
    rng = np.random.default_rng(3)
    for _ in range(3):
        gradients = [rng.normal(size=weight.shape).astype("float32") for weight in weights]
        tensors = [ops.convert_to_tensor(gradient) for gradient in gradients]
        model.generator_optimizer.apply(tensors, weights)
    return {f"{number}": weight.value for number, weight in enumerate(weights)}


def compute(backend):
    """Return what is compared, a dict of arrays."""
    from keras import ops

    found = {f"adam/{name}": value for name, value in adam_updates(backend).items()}
    for case in CASES:
        found |= {f"{case}/{name}": value for name, value in one_step(case, backend).items()}
    return {name: ops.convert_to_numpy(value) for name, value in found.items()}


@pytest.fixture(scope="module")
def on_this_backend():
    return compute("tensorflow")


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_backends_agree_on_a_step(backend, on_this_backend, on_backend):
    """To 2e-5 of the largest element of an array, or to 2e-5 where no element exceeds 1.

    Sums of float32 numbers in another order differ by about 1e-7 of their largest term for each
    doubling of their length; second derivatives go through some ten layers of sums of up to a
    thousand terms. On AMD's EPYC all agree to 1e-5; on an Intel Xeon with AMX a score loss of
    PyTorch has differed by 1.08e-5.
    """
    found = on_backend(backend, __file__)
    assert set(found) == set(on_this_backend)
    for name, expected in on_this_backend.items():
        scale = max(1, np.abs(expected).max())
        np.testing.assert_allclose(found[name], expected, atol=2e-5 * scale, rtol=0, err_msg=name)


@pytest.mark.parametrize("case", CASES)
def test_every_part_of_a_step_is_compared(case, on_this_backend):
    """Losses and gradients are far above what the comparison tolerates.

    All but one of each critic: the bias of the score cancels in every difference of scores.
    """
    named = {k: v for k, v in on_this_backend.items() if k.startswith(f"{case}/")}
    sizes = {k: np.abs(v).max() for k, v in named.items() if k.split("/")[1] in COMPARED}
    small = [value for value in sizes.values() if value < 1e-4]
    np.testing.assert_allclose(small, [0] * (2 if case == "atoms" else 1), atol=1e-7)
    losses = {name.split("/")[2] for name in named if name.split("/")[1] == "loss"}
    assert {"critic_loss", "critic_gap", "gradient_penalty", "critic_lattice_loss"} <= losses
    assert {"generator_loss", "generator_lattice_loss"} <= losses
    assert ("generator_matching_loss" in losses) == (case == "options")
    assert ("generator_property_loss" in losses) == (case == "options")


if __name__ == "__main__":
    np.savez(sys.argv[1], **compute(os.environ["KERAS_BACKEND"]))
