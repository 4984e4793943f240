"""The thesis's runs are files of flags that `train` takes, small and at full scale in pairs."""

from pathlib import Path

import pytest

from keras_ruo2 import runs
from keras_ruo2.config import TrainConfig
from keras_ruo2.recipes import RECIPES
from keras_ruo2.runs.flags import with_flags

FOLDER = Path(__file__).resolve().parents[2] / "experiments" / "source"
SMALL = sorted(path for path in FOLDER.glob("*.json") if not path.stem.endswith("_full"))


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.stem)
def test_a_small_run_and_its_full_one_differ_in_scale_only(path):
    small, full = (
        with_flags(TrainConfig(config=file), file)
        for file in (path, path.with_name(f"{path.stem}_full.json"))
    )
    for name in ("variant", "arch", "records", "label_size", "learning_rate", "seed"):
        assert getattr(small, name) == getattr(full, name)
    assert small.records.name in RECIPES
    assert small.steps <= 300 and full.epochs >= 280
    sizes = [runs.resolve(config) for config in (small, full)]
    assert sizes[0]["width"] < sizes[1]["width"]
    assert sizes[0]["batch_size"] <= sizes[1]["batch_size"]


def test_every_run_of_the_thesis_is_there():
    assert len(SMALL) == 17
