"""The optional libraries: what each is for, and how it is installed. Standard library only."""

import importlib.util
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from keras_ruo2.errors import ConfigError

CLONE = Path(__file__).resolve().parents[1] / "pyproject.toml"


class Extra(NamedTuple):
    """Libraries that are installed together.

    Args:
        modules: Names by which they are imported, the first of each distribution.
        purpose: What they are for, in a few words.
    """

    modules: tuple[str, ...]
    purpose: str


EXTRAS = MappingProxyType(
    {
        "cpu": Extra(("tensorflow",), "backend TensorFlow for CPU"),
        "gpu": Extra(("tensorflow", "nvidia"), "backend TensorFlow for NVIDIA GPUs"),
        "jax": Extra(("jax",), "backend JAX"),
        "torch": Extra(("torch",), "backend PyTorch"),
        "energies": Extra(("chgnet", "torch"), "relax, gap, basin_hopping, discover with CHGNet"),
        "sevennet": Extra(("sevenn", "torch"), "relax --calculator=sevennet:7net-0 and its like"),
        "screen": Extra(("dscribe", "pymatgen"), "screen, discover; pymatgen in and out"),
        "discover": Extra(("ase_ga",), "discover --baselines=genetic"),
        "scale": Extra(("dask", "distributed"), "--workers and --scheduler of data_prep"),
        "remote": Extra(("s3fs",), "records in object storage, s3://bucket/folder"),
        "tfio": Extra(("tensorflow_io",), "object storage read by TensorFlow 2.17 itself"),
        "wandb": Extra(("wandb",), "train --tracker=wandb"),
        "mlflow": Extra(("mlflow",), "train --tracker=mlflow"),
        "docs": Extra(("mkdocs", "material", "jupytext"), "make docs"),
        "test": Extra(("pytest", "xdist", "moto", "build"), "make test"),
    }
)


def install(*extras: str) -> str:
    """Return the command that installs extras, in a clone or beside an installed wheel."""
    names = ",".join(extras)
    return (
        f"pip install -e '.[{names}]'" if CLONE.is_file() else f"pip install 'keras_ruo2[{names}]'"
    )


def check_tracker(name: str) -> None:
    """Raise `ConfigError` if the library of a tracker, which is an extra, is not installed."""
    if name in EXTRAS and missing(name):
        raise ConfigError(
            f"--tracker={name} needs {name}, which is not installed. Install it: {install(name)}"
        )


def missing(extra: str) -> tuple[str, ...]:
    """Return the modules of an extra that cannot be found, without importing any."""
    return tuple(name for name in EXTRAS[extra].modules if not is_found(name))


def is_found(module: str) -> bool:
    """Say whether a module can be found, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
