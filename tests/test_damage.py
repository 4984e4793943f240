"""300 damaged files, the short form of `experiments/reliability/damage.py`."""

import numpy as np
import pytest

from tests.damage_cases import CASES, REFUSED, SAME, SILENT, TOLD, outcomes

EACH = 10


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_damage_is_refused_told_or_without_effect(case, tmp_path):
    allowed = {REFUSED, SAME, TOLD} | (set() if case.ours else {SILENT})
    rng = np.random.default_rng(CASES.index(case))
    bad = [found for found in outcomes(case, EACH, rng, tmp_path) if found[0] not in allowed]
    assert not bad
