"""A trained generator as a small folder: a run without what only its training needs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_ruo2 import runs
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import RECORDS, move_over, shown
from keras_ruo2.io.state import read_state, write_state
from keras_ruo2.runs.checkpoint import seal_checkpoint


def export(run: Path, out: Path, best: bool = False) -> None:
    """Write the generator of a run to a folder that `generate` and `discover` take as a run.

    Paths of this machine are left out; records are named by their recipe.

    Args:
        run: Folder of a run.
        out: Folder that does not exist yet.
        best: Whether to take the best checkpoint instead of the last one.

    Raises:
        ConfigError: If the run has no sound checkpoint, or `out` exists.
    """
    saved = runs.load_trained(run)
    checkpoint = runs.sound_checkpoint(run, best=best)
    if checkpoint is None:
        raise ConfigError(f"{shown(run)} has no checkpoint with a measured distance.")
    if Path(out).exists():
        raise ConfigError(f"--out={shown(out)} exists. Choose another folder.")
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=Path(out).parent) as work:
        folder = Path(work) / "model"
        target = folder / runs.CHECKPOINTS / checkpoint.name
        target.mkdir(parents=True)
        for name in (runs.GENERATOR_WEIGHTS, runs.SCORES):
            if (checkpoint / name).is_file():
                shutil.copyfile(checkpoint / name, target / name)
        seal_checkpoint(target, [])
        write_state(folder / runs.CONFIG, without_paths(saved))
        for name in (runs.ANCHORS, runs.ENERGIES, runs.FREED, runs.KNOWN):
            if (Path(run) / name).is_file():
                values = read_state(Path(run) / name, "Restore it, or choose another --run.")
                write_state(folder / name, values)
        move_over(folder, Path(out))


def without_paths(saved: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a config.json without the paths of the machine that trained."""
    records = str(RECORDS / Path(str(saved["data"]["records"])).name)
    changes = {"run": None, "records": records, "config": None, "from_": None, "relaxed": None}
    known = {name: {**saved[name], **changes} for name in ("config", "resolved")}
    return {**saved, **known, "data": {**saved["data"], "records": records}}
