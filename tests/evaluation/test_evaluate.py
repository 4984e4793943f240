import csv
import json

import numpy as np
import pytest

from keras_ruo2.commands.evaluate import main as evaluate
from keras_ruo2.commands.train import main as train
from keras_ruo2.config import EvaluateConfig, TrainConfig
from keras_ruo2.errors import ConfigError


@pytest.fixture(scope="module")
def trained(records, tmp_path_factory):
    """A run of two steps."""
    run = tmp_path_factory.mktemp("runs") / "tiny"
    settings = {"width": 2, "latent_size": 8, "batch_size": 4, "critic_steps": 2, "steps": 2}
    settings |= {"arch": "waves"}
    train(TrainConfig(variant="lattice2d", records=records, run=run, evaluate_every=2, **settings))
    return run


def test_a_run_is_measured_and_the_page_is_whole(trained, tmp_path, capsys):
    evaluate(EvaluateConfig(run=trained, out=tmp_path / "out", count=40, compared=8))
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["samples"]["count"] == 40 and metrics["overfitting"]["compared"] == 8
    assert metrics["marginals"]["length_z"]["unit"] == "Å" and metrics["notes"] == []
    names = {path.name for path in (tmp_path / "out" / "pictures").iterdir()}
    measured = {"samples", "similarity", "pairs", "nearest", "marginals", "radial", "lattice"}
    measured |= {"energies", "collapse", "spectrum", "maps", "extremes", "paths", "training"}
    assert names == {f"{name}.png" for name in measured}
    page = (tmp_path / "out" / "evaluation.html").read_text()
    assert page.count("data:image/png;base64,") == len(measured)
    assert metrics["lattice"]["held_out"]["own_picture"]["mean_absolute"]["z"] < 0.05  # Å
    assert set(metrics["critic"]["mean_scores"]) == {"generated", "training", "held_out"}
    with open(tmp_path / "out" / "samples.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40 and rows[7]["ssim"] and not rows[8]["ssim"]
    assert all(row["nearest_structure"].startswith("slab-") for row in rows)
    assert 5 < float(rows[0]["length_z"]) < 60 and float(rows[0]["critic_score"]) != 0
    printed = capsys.readouterr().out
    assert "40 samples measured" in printed
    assert "3 held-out structures are no yardstick" in printed and "held_out" not in metrics
    assert "Held-out ratio" not in page and "no ratio to held-out records" in page
    assert all(alarm in printed for alarm in metrics["alarms"])


def test_samples_of_a_file_are_measured_and_broken_ones_counted(
    trained, tmp_path, rng, monkeypatch
):
    monkeypatch.setattr(
        "keras_ruo2.evaluation.evaluate.draw_evaluation_pictures", lambda *sets, **known: {}
    )
    grids = rng.random((30, 32, 32, 2)).astype("float32")
    grids[3] = np.nan
    np.savez(tmp_path / "samples.npz", grid=grids)
    out = tmp_path / "out"
    evaluate(EvaluateConfig(run=trained, samples=tmp_path / "samples.npz", out=out, compared=2))
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["samples"]["not_finite"] == 1 and metrics["samples"]["count"] == 29
    assert metrics["alarms"][0].startswith("Not finite: 1 samples")
    assert metrics["marginals"]["slab_thickness"]["unit"] == "voxels"


def test_bad_input_is_refused_before_anything_slow(trained, tmp_path):
    np.savez(tmp_path / "other.npz", grid=np.zeros((3, 16, 16, 2)))
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match=r"holds grids of \(16, 16, 2\)"):
        evaluate(EvaluateConfig(run=trained, samples=tmp_path / "other.npz", out=out))
    with pytest.raises(ConfigError, match="holds no trained run"):
        evaluate(EvaluateConfig(run=tmp_path / "none", out=out))
    with pytest.raises(ConfigError, match="does not exist"):
        evaluate(EvaluateConfig(run=trained, records=tmp_path / "gone", out=out))
    with pytest.raises(ConfigError, match="no such file"):
        EvaluateConfig(run=trained, samples=tmp_path / "none.npz", out=out)
    with pytest.raises(ConfigError, match="--count is 0"):
        EvaluateConfig(run=trained, out=out, count=0)
    with pytest.raises(ConfigError, match="tiny was not told energy classes"):
        evaluate(EvaluateConfig(run=trained, structures=tmp_path / "other.npz", out=out))
    assert not out.exists()


def test_weights_that_do_not_fit_are_said(trained, tmp_path, monkeypatch):
    def draw_samples(*arguments):
        raise ValueError("A total of 1 objects could not be loaded.\nExample error message ...")

    monkeypatch.setattr("keras_ruo2.evaluation.evaluate.draw_samples", draw_samples)
    with pytest.raises(ConfigError, match=r"cannot be loaded \(A total of 1 objects .* --samples"):
        evaluate(EvaluateConfig(run=trained, out=tmp_path / "out"))
