"""Where the bundled data are and where output goes by default."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
RECORDS = Path("tfrecords")
RUNS = Path("runs")


def shown(path):
    """Return `path` relative to the working directory where it lies below it."""
    path = Path(path)
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


BUNDLED_STRUCTURES = REPOSITORY / "tfrecords" / "gap.extxyz"
