import numpy as np
import pytest

from keras_ruo2 import runs
from keras_ruo2.commands.train import main as train
from keras_ruo2.config import TrainConfig
from keras_ruo2.training.alarm import PATIENCE, CollapseWatch

LABELS = np.arange(300) % 3


@pytest.fixture
def real(rng):
    """Blobs in random places of a half of the cell."""
    places = rng.uniform(2, 6, (300, 2, 4, 2))  # sample, channel, atom, axis
    lines = np.exp(-0.8 * (places[..., None] - np.arange(8)) ** 2)
    grids = np.einsum("ncax,ncay->nxyc", lines[..., 0, :], lines[..., 1, :])
    return np.clip(grids, 0, 1).astype("float32")


def test_real_grids_are_no_alarm_and_striped_ones_are_named(real):
    watch = CollapseWatch(real)
    scores = watch(real)
    assert list(scores) == watch.names and watch.text == "" and watch.verdict == ""
    assert scores["collapse_diversity"] == 1 and scores["collapse_stripes"] == 0
    watch(np.broadcast_to(2 * real.mean(axis=1, keepdims=True), real.shape))
    assert "Stripes: of the order" in watch.text
    watch(np.zeros_like(real))
    assert watch.text.startswith("Dead output")


def test_only_what_stays_wrong_is_a_verdict(real):
    watch = CollapseWatch(real)
    copies = np.repeat(real[:1], len(real), axis=0)
    for _ in range(PATIENCE - 1):
        watch(copies)
        assert watch.verdict == ""
    watch(real)
    for _ in range(PATIENCE):
        assert watch.verdict == ""
        watch(copies)
    assert watch.verdict.startswith("Collapse: two samples differ by 0%")
    watch(real)
    assert watch.verdict == ""


def test_noise_is_an_alarm_but_no_verdict(real, rng):
    watch = CollapseWatch(real)
    noisy = real + 0.4 * rng.normal(size=real.shape)
    for _ in range(PATIENCE):
        watch(noisy)
    assert "Noise" in watch.text and watch.verdict == ""


def test_classes_are_watched_and_named(real):
    watch = CollapseWatch(real, LABELS, LABELS)
    made = real.copy()
    made[LABELS == 1] = made[1]
    scores = watch(made)
    assert scores["collapse_diversity_class_1"] == 0 < 0.8 < scores["collapse_diversity_class_0"]
    assert watch.text == "Collapse in class 1."
    for _ in range(PATIENCE):
        watch(made)
    assert watch.verdict == ""  # one of three
    made[LABELS == 2] = made[2]
    for _ in range(PATIENCE):
        watch(made)
    assert "Collapse in classes 1, 2. So it was at" in watch.verdict


@pytest.fixture
def eager():
    """Few steps take less time than a graph."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
def test_a_collapsed_run_ends_is_saved_and_may_go_on(eager, tiny_records, tmp_path, capsys):
    values = {"width": 2, "latent_size": 8, "batch_size": 4, "critic_steps": 1, "log_every": 1}
    values |= {"evaluate_every": 1, "run": tmp_path / "run", "variant": "joint2d", "arch": "waves"}
    with pytest.raises(SystemExit) as ended:
        train(TrainConfig(records=tiny_records, steps=9, stop_on_collapse=True, **values))
    message = str(ended.value.code)  # a text, so the exit status is 1
    assert message.startswith(f"Collapsed at step {PATIENCE}: ") and "--resume" in message
    assert "Alarm at step 1: " in capsys.readouterr().err
    last = runs.last_checkpoint(tmp_path / "run")
    assert runs.step_of(last) == PATIENCE and (tmp_path / "run" / "metrics.png").is_file()
    values |= {"resume": True, "stop_on_collapse": False}
    train(TrainConfig(steps=PATIENCE + 1, **values))
    rows = runs.read_metrics(tmp_path / "run" / runs.METRICS)
    assert len(rows) == PATIENCE + 1 and float(rows[-1]["collapse_stripes"]) >= 0
    assert any(name.startswith("collapse_diversity_class_") for name in rows[0])
