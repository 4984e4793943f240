import numpy as np
import pytest

from keras_ruo2.discovery.baselines import templates
from keras_ruo2.structure.slabs import build_slab


@pytest.fixture
def variants():
    """Templates of two variants each of a (110) and a (100) slab, of 40 atoms at most."""
    rng = np.random.default_rng(0)
    found = []
    for name in ("110-stoichiometric", "100-stoichiometric"):
        for number in range(2):
            slab = build_slab(name, a=4.5, c=3.1)
            slab.positions += rng.normal(scale=0.03, size=slab.positions.shape)
            slab.info = {"name": f"{name}-{number}"}
            found.append(slab)
    return templates(found, largest=40)
