"""One idea, one home: each is looked for in the text of every other file."""

import re
from pathlib import Path

import pytest

from keras_ruo2 import options

ROOT = Path(__file__).resolve().parents[1]
FILES = [path for room in ("keras_ruo2", "data_prep") for path in (ROOT / room).rglob("*.py")]
HOMES = {
    "files and folders get their names when they are whole": (
        r"os\.replace\(|os\.rename\(|\.rename\(|shutil\.move\(",
        {"keras_ruo2/io/paths.py"},
    ),
    "CSV files are opened to be written (callbacks append to one)": (
        r'newline=""\)',
        {"keras_ruo2/io/tables.py", "keras_ruo2/training/callbacks.py"},
    ),
    "a work goes on only with equal settings": (
        r"was begun with \{name\}",
        {"keras_ruo2/io/workfolder.py"},
    ),
    "arrays are read": (r"\bnp\.load\(", {"keras_ruo2/io/arrays.py"}),
    "samples are read": (r'get\("grid"\)', {"keras_ruo2/io/samples.py"}),
    "ASE's optimisers run": (r"ase\.optimize\b.*|\.irun\(", {"keras_ruo2/relaxation/relax.py"}),
    "the widest gap of a cell": (r"np\.diff\(.*append=", {"keras_ruo2/structure/cells.py"}),
    "grids are shifted periodically, for training": (
        r'dtype="int32"\) - \w+\[:, None\]|one_hot\(.*\bsize\)',
        {"keras_ruo2/models/periodic.py"},
    ),
    "where dmu_O begins": (r"-2\.0  # eV", {"keras_ruo2/thermodynamics/surface.py"}),
    "which relaxations count": (
        r'"no", "not_converged"',
        {"keras_ruo2/structure/energies.py"},
    ),
    "commands' entry points are called (the API runs two of them; one builds missing records)": (
        r"\bimport main\b|\.main\(",
        {"keras_ruo2/api/models.py", "keras_ruo2/records/find.py"},
    ),
    "files are locked": (r"\bfcntl\b", {"keras_ruo2/io/locks.py"}),
}


@pytest.mark.parametrize("idea", HOMES)
def test_an_idea_has_one_home(idea):
    pattern, homes = HOMES[idea]
    code = {
        path.relative_to(ROOT).as_posix(): re.sub(r"`[^`]*`", "", path.read_text())
        for path in FILES
    }
    assert {name for name, text in code.items() if re.search(pattern, text)} == homes


def test_names_of_choices_are_those_of_their_tables():
    """A config knows the names without a backend; what they stand for is where it is done."""
    from keras_ruo2.discovery.baselines import BASELINES
    from keras_ruo2.relaxation.relax import CLASSES
    from keras_ruo2.training.augmentation import AUGMENTATIONS
    from keras_ruo2.training.properties import PROPERTIES
    from keras_ruo2.training.rates import SCHEDULES

    assert tuple(SCHEDULES) == options.RATE_SCHEDULES
    assert tuple(AUGMENTATIONS) == options.AUGMENTATIONS
    assert tuple(PROPERTIES) == options.PROPERTIES
    assert tuple(CLASSES) == tuple(options.OPTIMISERS)
    assert (*BASELINES, "genetic") == options.METHODS
