"""The version, which setuptools-scm takes from git's tags when the package is built."""

import importlib.metadata

UNKNOWN = "0.0.0+unknown"  # run from a copy of the files that was never installed


def installed_version(distribution: str = "keras_ruo2") -> str:
    """Return the version of an installed distribution, or `UNKNOWN`."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return UNKNOWN
