"""Wasserstein GANs that propose RuO2 surface structures on periodic voxel grids.

    import keras_ruo2 as kr

    slabs = kr.read("my_slabs.extxyz")
    grid, lengths = kr.voxelise(slabs[0])
    records = kr.build_records(slabs, "gap3d", out="tfrecords/mine")
    run = kr.train("joint3d", records, steps=2000)  # or kr.load("joint3d"), the bundled model
    atoms = run.sample(100, facet="110", energy="low")
    verdicts = kr.screen(atoms)
    relaxed = kr.relax(atoms, calculator="chgnet")
    diagram = kr.phase_diagram(relaxed)
    diagram.plot("phase_diagram.png")

Nothing of it is imported before it is used: `import keras_ruo2` starts no backend.
"""

import importlib
from typing import TYPE_CHECKING

from keras_ruo2.version import installed_version

__version__ = installed_version()

if TYPE_CHECKING:
    from keras_ruo2.api.files import read as read
    from keras_ruo2.api.files import to_pymatgen as to_pymatgen
    from keras_ruo2.api.files import write as write
    from keras_ruo2.api.models import Run as Run
    from keras_ruo2.api.models import build_records as build_records
    from keras_ruo2.api.models import load as load
    from keras_ruo2.api.models import train as train
    from keras_ruo2.api.structures import backmap as backmap
    from keras_ruo2.api.structures import phase_diagram as phase_diagram
    from keras_ruo2.api.structures import relax as relax
    from keras_ruo2.api.structures import screen as screen
    from keras_ruo2.api.structures import voxelise as voxelise

HOMES = {
    "files": ("read", "to_pymatgen", "write"),
    "structures": ("backmap", "phase_diagram", "relax", "screen", "voxelise"),
    "models": ("Run", "build_records", "load", "train"),
}
MODULES = {name: f"keras_ruo2.api.{home}" for home, names in HOMES.items() for name in names}
__all__ = ["__version__", *sorted(MODULES)]


def __getattr__(name: str) -> object:
    if name in MODULES:
        return getattr(importlib.import_module(MODULES[name]), name)
    raise AttributeError(f"module 'keras_ruo2' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *MODULES})
