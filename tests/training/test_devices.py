"""Several devices train as one does.

Run as a script, this file does what needs a process of its own: logical CPU devices must be made
before a backend starts.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest

from keras_ruo2 import runs
from keras_ruo2.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--variant=vanilla2d",
    "--arch=waves",
    "--width=2",
    "--latent_size=8",
    "--batch_size=4",
    "--critic_steps=1",
    "--log_every=1",
    "--evaluate_every=2",
]
LATENT, SIZE, CRITIC_STEPS, STEPS, CLASSES = 8, 8, 2, 2, 4


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
            return keras.optimizers.SGD(0.2)

        def draw_samples(self, batch):
            known.batch = batch
            return super().draw_samples(batch)

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
            build_critic("joint2d", **common),
            settings,
            seed=1,
        )
        model.compile(run_eagerly=True)  # tracing would take longer
    for layer in model.critic.layers:
        if isinstance(layer, keras.layers.Dropout):
            mask = np.random.default_rng(2).integers(0, 2, layer.input.shape[1:]).astype("float32")
            layer.call = lambda inputs, training, mask=mask: inputs * mask
    rng = np.random.default_rng(3)
    for weight in model.trainable_variables:
        if weight.path.endswith(("bias", "beta")):  # zeros put values on the kink of a ReLU
            weight.assign(rng.normal(scale=0.1, size=weight.shape))
    return model


def steps_taken(arch, placement):
    """Return weights and means after some steps, a dict of arrays."""
    from keras_ruo2.data.order import deal_to_replicas
    from keras_ruo2.training.feed import as_tf_dataset

    order = deal_to_replicas(np.arange(SIZE * CRITIC_STEPS), CRITIC_STEPS, placement.replicas)
    batches = make_batches(np.random.default_rng(0))
    batches = [{name: value[order] for name, value in batch.items()} for batch in batches]
    model = fixed_model(arch, placement)
    before = [weight.numpy() for weight in model.weights]
    history = model.fit(
        as_tf_dataset(batches.__getitem__, range(len(batches)), placement),
        steps_per_epoch=STEPS,
        verbose=0,
        shuffle=False,
    ).history
    found = {f"mean of {name}": np.array(values) for name, values in history.items()}
    for number, (weight, old) in enumerate(zip(model.weights, before, strict=True)):
        found[f"weight {number}"] = weight.numpy()
        found[f"start {number}"] = old
        copies = [copy.numpy() for copy in getattr(weight.value, "values", ())]
        if copies:  # what each replica holds
            found[f"spread {number}"] = np.ptp(np.array(copies), axis=0)
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


def optimise_no_graphs():
    """Leave out what takes longer here than the steps that it would make faster."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def equality(out):
    """Save what one device and what two make."""
    from keras_ruo2.backend import start_backend

    start_backend("tensorflow")
    optimise_no_graphs()
    from keras_ruo2.training.devices import Placement, place

    two = place("mirrored", 2)
    found = draws(two)
    for name, placement in (("one", Placement()), ("two", two)):
        made = steps_taken("kim", placement)
        found |= {f"{name} {key}": value for key, value in made.items()}
    np.savez(out, **found)


def commands(path):
    """Run command lines, a JSON list of lists of words, one after the other; print refusals."""
    from keras_ruo2.__main__ import COMMANDS
    from keras_ruo2.cli import run_command_line

    lines = json.loads(Path(path).read_text())
    if "--backend=jax" not in lines[0]:
        optimise_no_graphs()
    for words in lines:
        try:
            run_command_line("keras_ruo2", COMMANDS, words)
        except SystemExit as error:
            print(f"refused: {error}")


def start(function, argument, **environment):
    """Start a function of this file in a process of its own."""
    known = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    known["OMP_NUM_THREADS"] = "1"
    return subprocess.Popen(
        [sys.executable, __file__, function, argument],
        env={**os.environ, **known, **environment},
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finish(process):
    """Return what a process printed; it must have succeeded."""
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 0, printed
    return printed


def run_lines(folder, lines, **environment):
    """Run command lines in one process and return what was printed."""
    folder.mkdir(exist_ok=True)
    path = folder / "lines.json"
    path.write_text(json.dumps([["train", *map(str, words)] for words in lines]))
    return finish(start("commands", path, **environment))


def weights_of(run):
    """Return all numbers of a run's last checkpoint, a dict of arrays."""
    return weights_in(runs.last_checkpoint(run))


def weights_in(checkpoint):
    """Return all numbers of a checkpoint, a dict of arrays."""
    found = {}
    with h5py.File(checkpoint / runs.TRAINING_WEIGHTS) as file:
        file.visititems(
            lambda name, item: found.update({name: item[()]} if hasattr(item, "dtype") else {})
        )
    return found


def assert_close(one, other):
    """Compare runs of two steps, whose float32 sums were taken in another order.

    The optimizers' moments, linear in the gradients, agree to 1e-5 of each array. Adam divides by
    a gradient's own size, so where one nearly cancels its rounding is a visible part of a step
    (2e-5 of 1e-3 seen): weights agree to a tenth of the two steps of 5e-4.
    """
    assert set(one) == set(other)
    for name, value in one.items():
        scale = max(1.0, np.abs(value).max())
        least = 1e-5 if "optimizer" in name else 1e-4
        np.testing.assert_allclose(other[name], value, atol=least * scale, err_msg=name)


@pytest.fixture(scope="module")
def equal(tmp_path_factory):
    out = tmp_path_factory.mktemp("equal") / "found.npz"
    finish(start("equality", out))
    with np.load(out) as found:
        return dict(found)


def test_two_replicas_with_half_the_batch_each_equal_one_device(equal):
    """Weights, moving statistics, averages and means of losses after plain gradient steps.

    Sums in another order differ by 1e-7; steps along a penalised slope make at most 3e-5 of that
    here. Gradients that were summed instead of averaged would double every step.
    """
    for name in (name.removeprefix("one ") for name in equal if name.startswith("one ")):
        if not name.startswith("spread"):
            one, two = equal[f"one {name}"], equal[f"two {name}"]
            scale = max(1.0, np.abs(one).max())
            np.testing.assert_allclose(two, one, atol=1e-4 * scale, err_msg=name)


def test_the_steps_that_were_compared_are_large(equal):
    """A doubled or a missing update would be seen."""
    moved = [
        np.abs(value - equal[name.replace("weight", "start")]).max()
        for name, value in equal.items()
        if name.startswith("one weight")
    ]
    assert np.mean(np.array(moved) > 1e-3) > 0.8


def test_replicas_hold_the_same_numbers(equal):
    spreads = [value for name, value in equal.items() if name.startswith("two spread")]
    assert len(spreads) == sum(name.startswith("two weight") for name in equal)
    assert all((value == 0).all() for value in spreads)


@pytest.mark.parametrize("name", ["noise", "shares", "dropout"])
def test_replicas_draw_numbers_of_their_own_and_the_same_again(equal, name):
    first, second = equal[f"draw {name}"]
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(equal[f"again {name}"], equal[f"draw {name}"])


@pytest.fixture(scope="module")
def mirrored(tiny_records, tmp_path_factory):
    """A run of two steps on two devices, its continuation, and what was printed."""
    folder = tmp_path_factory.mktemp("mirrored")
    flags = [*FLAGS, f"--records={tiny_records}", "--strategy=mirrored", "--devices=2"]
    lines = [
        [*flags, f"--run={folder / 'run'}", "--steps=2"],
        [*flags, f"--run={folder / 'odd'}", "--batch_size=3"],
        ["--variant=vanilla2d", f"--run={folder / 'run'}", "--resume", "--steps=3"],
    ]
    return folder / "run", run_lines(folder, lines)


def test_a_run_on_two_devices_goes_on_on_two(mirrored):
    run, printed = mirrored
    assert [row["step"] for row in runs.read_metrics(run / runs.METRICS)] == list("123")
    assert runs.load(run)["config"]["devices"] == 2
    assert "Going on from" in printed


def test_a_batch_that_replicas_cannot_share_is_refused(mirrored):
    run, printed = mirrored
    refused = [line for line in printed.splitlines() if line.startswith("refused: ")]
    assert len(refused) == 1
    assert "batch of 3 samples cannot be shared by 2 replicas" in refused[0]
    assert not (run.parent / "odd" / runs.CONFIG).exists()


def test_more_devices_than_there_are_are_refused():
    """In this process TensorFlow has started with one device."""
    import tensorflow as tf

    from keras_ruo2.training.devices import place

    tf.zeros(1)

    with pytest.raises(ConfigError, match="--devices=2, but there are 1 CPU devices"):
        place("mirrored", 2)


def test_two_workers_train_what_two_devices_do(mirrored, tiny_records, tmp_path):
    """Both end well, the first alone writes the run, and its weights are those of `mirrored`."""
    sockets = [socket.socket() for _ in range(2)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    cluster = {"worker": [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]}
    for each in sockets:
        each.close()
    run, left = tmp_path / "run", tmp_path / "left"
    left.mkdir()
    flags = [*FLAGS, f"--records={tiny_records}", f"--run={run}", "--strategy=multiworker"]
    lines = tmp_path / "lines.json"
    lines.write_text(json.dumps([["train", *flags, "--steps=2"]]))
    processes = []
    for index in range(2):
        config = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        environment = {"TF_CONFIG": json.dumps(config), "TMPDIR": str(left)}
        processes.append(start("commands", lines, **environment))
    for process in processes:
        assert "refused" not in finish(process)
    assert not list(left.glob("*/metrics.csv"))
    assert [row["step"] for row in runs.read_metrics(run / runs.METRICS)] == ["1", "2"]
    step = runs.STEP_NAME.format(2)
    assert runs.last_checkpoint(run).name == step
    assert_close(weights_in(mirrored[0] / runs.CHECKPOINTS / step), weights_of(run))


def test_jax_shares_a_batch_without_changing_it(tiny_records, tmp_path):
    """Noise is drawn for the whole batch, so that both runs see the same."""
    pytest.importorskip("jax")
    flags = [*FLAGS, f"--records={tiny_records}", "--backend=jax", "--devices=2", "--steps=2"]
    one, two = tmp_path / "one", tmp_path / "two"
    lines = [[*flags, f"--run={one}"], [*flags, f"--run={two}", "--strategy=data_parallel"]]
    # Compiling takes most of the time: leave out what makes the result fast.
    run_lines(tmp_path, lines, XLA_FLAGS="--xla_backend_optimization_level=0")
    assert_close(weights_of(one), weights_of(two))
    rows = [runs.read_metrics(run / runs.METRICS) for run in (one, two)]
    for first, second in zip(*rows, strict=True):
        for name in ("critic_loss", "generator_loss", "gradient_norm"):
            assert float(second[name]) == pytest.approx(float(first[name]), rel=1e-5, abs=1e-5)


if __name__ == "__main__":
    {"equality": equality, "commands": commands}[sys.argv[1]](sys.argv[2])
