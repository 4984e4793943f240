"""What was asked for against what was got, of every condition."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from keras_ruo2 import runs
from keras_ruo2.config import EvaluateConfig
from keras_ruo2.evaluation.asked import (
    asked_and_got,
    class_rows,
    condition_sentences,
    shares_found_as_asked,
)
from keras_ruo2.evaluation.report import write_metrics
from keras_ruo2.evaluation.tables import asked_tables
from keras_ruo2.io.paths import MODELS

NAMES = ("low", "high")


def measured(made, **metrics):
    return SimpleNamespace(
        metrics=metrics, generated={"ru_share": SimpleNamespace(values=np.array(made))}
    )


def grids(*pairs):
    """Return grids of one voxel with these densities of Ru and O."""
    return np.array(pairs, "float32").reshape(-1, 1, 1, 2)


def test_a_row_for_each_class_says_what_is_read_and_how_much_metal_there_is():
    samples = {"grid": grids((1, 1), (1, 3), (1, 3)), "label": np.array([0, 1, 1])}
    training = {"grid": grids((1, 1), (1, 4)), "label": np.array([0, 1])}
    agreement = {
        "generated": {"confusion": [[1, 0], [1, 1]]},
        "held_out": {"confusion": [[0, 0], [0, 3]]},
    }
    found = measured([0.5, 0.25, 0.25], conditioning=agreement)
    first, second = class_rows(NAMES, samples, training, found)
    assert first == {
        "asked": "0: low", "count": 1, "read_as_asked": 1.0, "held_out": None,
        "ru_share": 0.5, "real_ru_share": 0.5,
    }  # fmt: skip
    assert (second["read_as_asked"], second["held_out"]) == (0.5, 1.0)
    assert second["real_ru_share"] == pytest.approx(0.2)
    told = condition_sentences({"class": [first, second]})
    assert told[1] == "Class 1: high, 2 samples; read as asked 50%; held-out 100%."


def test_energies_after_relaxing_are_a_column_where_there_are_any():
    samples = {"grid": grids((1, 1)), "label": np.array([1])}
    found = measured([0.5], energies={"confusion": [[2, 0], [3, 1]]})
    (row,) = class_rows(NAMES, samples, samples, found)
    assert row["energy_as_asked"] == 0.25 and "read_as_asked" not in row
    assert shares_found_as_asked(None) is None


def test_the_bundled_model_gives_the_facet_and_the_cell_that_are_asked_for(tmp_path):
    folder = MODELS / "joint3d"
    saved = runs.load(folder)
    config = EvaluateConfig(model="joint3d", out=tmp_path)
    tables = asked_and_got(config, saved, {"grid": None}, None, None)
    assert set(tables) == {"facet", "cell"}
    assert {row["asked"] for row in tables["facet"]} >= {"(110)", "(100)", "(111)"}
    assert np.mean([row["as_asked"] for row in tables["facet"]]) > 0.8
    for row in tables["cell"]:
        np.testing.assert_allclose(row["got_lengths"], row["asked_lengths"], rtol=0.02)
        assert row["as_asked"] == 1.0 and row["largest_error"] < 0.02
    write_metrics(tmp_path, {"asked": tables})
    assert json.loads((tmp_path / "metrics.json").read_text())["asked"]["facet"]
    page = "".join(asked_tables(tables))
    assert "Facets asked for" in page and "Lengths asked" in page and "(110) " in page
    assert any(line.startswith("Facet (110): ") for line in condition_sentences(tables))
