import json

import numpy as np
import pytest

from keras_ruo2.evaluation.report import (
    METRICS,
    PAGE,
    PICTURES,
    conditioning_text,
    score_table,
    write_evaluation_page,
    write_metrics,
)

METRICS_FOUND = {
    "run": "runs/<mine>",
    "alarms": ["Collapse: 5 % & less."],
    "notes": ["Left out, neighbours: too few."],
    "seconds": {"collapse": 1.0},
    "samples": {"source": "drawn by the run", "count": 30},
    "records": {"folder": "tfrecords/gap2d", "training": 100, "held_out": 10},
    "marginals": {
        "slab_thickness": {
            "value": 1.5, "floor": 0.5, "ratio": 3.0, "low": 2.0, "high": np.inf,
            "title": "Slab thickness", "unit": "Å",
        }
    },
    "held_out": {"marginals": {"slab_thickness": 1.25}},
    "collapse": {"all": {"diversity": np.nan, "stripes": 0.25}},
    "overfitting": {
        "compared": 20, "similar": 2, "threshold": 0.9,
        "generated": {"50": 0.6}, "held_out": {"50": 0.7},
    },
}  # fmt: skip


def test_metrics_are_valid_json(tmp_path):
    write_metrics(tmp_path, METRICS_FOUND)

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    found = json.loads((tmp_path / METRICS).read_text(), parse_constant=refuse)
    assert found["marginals"]["slab_thickness"]["ratio"] == 3.0
    assert found["marginals"]["slab_thickness"]["high"] is None
    assert found["collapse"]["all"]["diversity"] is None


def test_without_a_yardstick_there_is_no_column_of_held_out_ratios():
    assert ">Held-out ratio</th>" in score_table("marginals", METRICS_FOUND)
    few = {name: value for name, value in METRICS_FOUND.items() if name != "held_out"}
    assert "Held-out ratio" not in score_table("marginals", few)


def test_the_page_needs_nothing_beside_it(tmp_path):
    (tmp_path / PICTURES).mkdir()
    (tmp_path / PICTURES / "one.png").write_bytes(b"\x89PNG")
    write_evaluation_page(tmp_path, METRICS_FOUND, {"one.png": "A <caption>."})
    page = (tmp_path / PAGE).read_text()
    assert "data:image/png;base64,iVBORw==" in page
    assert "http" not in page and 'src="pictures' not in page
    assert "runs/&lt;mine&gt;" in page and "5 % &amp; less" in page and "A &lt;caption&gt;" in page
    assert "<td>3 (2 to –)</td><td>1.25</td>" in page
    assert "2 of 20 samples" in page


@pytest.mark.parametrize(
    ("information", "accuracy", "said"),
    [(0.1, 0.1, "nothing that can be"), (0.4, 0.1, "not into what was asked"), (0.4, 0.5, "heard")],
)
def test_a_class_is_heard_only_where_what_was_asked_for_is_drawn(information, accuracy, said):
    made = {"information": information, "null": 0.1, "null_95": 0.2, "accuracy": accuracy}
    made |= {"chance": 0.12, "confusion": [[50, 0], [0, 50]]}
    assert said in conditioning_text({"generated": made, "held_out": made, "share": 0.3})
