"""Functions on models: records, training, and runs that structures are drawn from."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ase import Atoms
from numpy.typing import NDArray

from keras_ruo2.api.files import Structure, all_atoms
from keras_ruo2.errors import ConfigError
from keras_ruo2.io import messages

ENERGIES = {"low": 0, "high": -1}  # names of classes, and which class that is


@dataclass(frozen=True)
class Run:
    """A trained generator: a run folder, or a model that comes with the package.

    Args:
        folder: Where it lies.
    """

    folder: Path

    @property
    def settings(self) -> dict[str, Any]:
        """What `config.json` says: `config`, `resolved`, `data` and `versions`."""
        from keras_ruo2 import runs

        return runs.load_trained(self.folder)

    def grids(
        self,
        count: int,
        *,
        facet: str | None = None,
        energy: str | float | None = None,
        seed: int = 0,
        checkpoint: str = "last",
        **asked: Any,
    ) -> dict[str, NDArray[Any]]:
        """Draw samples as arrays.

        Args:
            count: How many.
            facet: Facet of all of them, e.g. `110`, of a generator that places atoms.
            energy: `low`, `high`, the number of an energy class (an integer) or an energy per atom
                (a float, eV), of a labelled variant; classes come in the proportions of the
                training data if `None`.
            seed: Of the noise.
            checkpoint: `last` or `best`.
            asked: Of a generator that places atoms, as the flags of `generate`: `cell`, `variety`,
                `faces`, `oxygen` (two numbers), `distinct`, `novel` and `candidates`.

        Returns:
            Dict: `grid` float32 `(count, *grid, 2)` and, where the variant has them, `lattice`
            float32 `(count, ndim)` in Å and `label` int32 `(count,)`.

        Raises:
            ConfigError: If the run has no checkpoint, or cannot be asked for this.
        """
        from keras_ruo2.generation.draw import as_samples

        drawn, saved = self._draw(count, facet, energy, seed, checkpoint, asked)
        return as_samples(drawn, saved)

    def sample(
        self,
        count: int,
        *,
        facet: str | None = None,
        energy: str | float | None = None,
        seed: int = 0,
        checkpoint: str = "last",
        **asked: Any,
    ) -> list[Atoms]:
        """Draw structures.

        Arguments are those of `grids`.

        Returns:
            List of `count` `ase.Atoms`. A generator that places atoms gives one cell of each; of
            others the grids are mapped back, cells repeated as there, and a grid that holds no
            structure gives a frame without atoms, whose `info["failures"]` says why.

        Raises:
            ConfigError: As `grids` does, or if the variant predicts no lengths of the cell.
        """
        from keras_ruo2 import runs
        from keras_ruo2.density.batch import map_sample
        from keras_ruo2.generation.draw import as_samples
        from keras_ruo2.generation.generate import structures_in

        drawn, saved = self._draw(count, facet, energy, seed, checkpoint, asked)
        if runs.places_atoms(saved["resolved"]):
            return structures_in(drawn, saved, repeated=False)
        samples, data = as_samples(drawn, saved), saved["data"]
        if "lattice" not in samples:
            raise ConfigError(
                f"{saved['resolved']['variant']} predicts no lengths of the cell. Use `grids` and "
                "`keras_ruo2.backmap` with lengths of your own."
            )
        pairs = zip(samples["grid"], samples["lattice"], strict=True)
        species = tuple(data["species"])
        return [map_sample(grid, lengths, data["alpha"], species) for grid, lengths in pairs]

    def _draw(
        self,
        count: int,
        facet: str | None,
        energy: str | float | None,
        seed: int,
        checkpoint: str,
        asked: dict[str, Any],
    ) -> tuple[Any, dict[str, Any]]:
        from keras_ruo2.backend import find_backend, start_backend
        from keras_ruo2.config.generate import GenerateConfig
        from keras_ruo2.generation.batch import check_request

        known = {"facet": facet, "seed": seed, "checkpoint": checkpoint} | asked
        if isinstance(energy, float):
            known["energy"] = energy
        elif energy is not None:
            known["label"] = class_of(energy, self.settings)
        config = GenerateConfig(run=self.folder, count=count, out=Path("samples.npz"), **known)
        saved = check_request(config)
        running = sys.modules.get("keras")
        wanted = find_backend(saved["config"]["backend"])
        start_backend(running.backend.backend() if running else wanted)
        from keras_ruo2.generation.draw import draw_request
        from keras_ruo2.generation.request import request_of

        return draw_request(request_of(config), saved), saved


def class_of(energy: str | int, saved: dict[str, Any]) -> int:
    """Return the number of an energy class.

    Raises:
        ConfigError: If it is another word, or the run's classes are not of energy.
    """
    if isinstance(energy, int):
        return energy
    if energy not in ENERGIES:
        raise ConfigError(
            f"energy={energy!r}. Expected {', '.join(ENERGIES)} or the number of a class."
        )
    if saved["resolved"]["label_by"] != "energy":
        raise ConfigError(f"energy={energy!r}: the run's classes are of dmu_O. Give a number.")
    return range(max(1, len(saved["data"]["class_names"])))[ENERGIES[energy]]


def load(name: str | Path) -> Run:
    """Return a run, or a model that comes with the package.

    Args:
        name: Folder of a run, or the name of a bundled model, e.g. `joint3d`.

    Raises:
        ConfigError: If there is neither.

    Examples:
        >>> import keras_ruo2 as kr
        >>> kr.load("joint3d").settings["resolved"]["variant"]
        'joint3d'
    """
    from keras_ruo2 import runs
    from keras_ruo2.io.paths import run_named

    folder = run_named(name)
    runs.load_trained(folder)
    return Run(folder)


def build_records(
    structures: str | Path | Sequence[Structure],
    recipe: str = "gap3d",
    *,
    out: str | Path,
    verbose: bool = True,
    **settings: Any,
) -> Path:
    """Voxelise structures and write them as records that `train` takes.

    Args:
        structures: A file, a folder or pattern of files, or `ase.Atoms` or pymatgen's structures,
            which are then kept in `OUT.extxyz` beside the records.
        recipe: What becomes of the structures, a row of `recipes.RECIPES`.
        out: Folder of the records.
        verbose: Print how far it is, unless the program's own `logging` is set up: it then gets
            records of the logger `keras_ruo2`.
        settings: Other flags of `python -m data_prep records`, e.g. `num_classes=0` for structures
            without energies, or `overwrite=True`.

    Returns:
        The folder.

    Raises:
        ConfigError: If the folder exists, or a structure cannot be used; it is named.
    """
    from keras_ruo2.config.preparation import RecordsConfig
    from keras_ruo2.io.frames import write_frames
    from keras_ruo2.records.build import check_output, main

    folder = Path(out)
    if isinstance(structures, (str, Path)):
        path = Path(structures)
    else:
        check_output(folder.resolve(), settings.get("overwrite", False))
        folder.parent.mkdir(parents=True, exist_ok=True)
        path = folder.with_name(f"{folder.name}.extxyz")
        write_frames(path, all_atoms(structures))
    with messages.printed_messages(verbose):
        main(RecordsConfig(structures=path, recipe=recipe, out=folder, **settings))
    return folder


def train(
    variant: str,
    records: str | Path | None = None,
    *,
    run: str | Path | None = None,
    verbose: bool = True,
    **settings: Any,
) -> Run:
    """Train a variant.

    Args:
        variant: A row of `models.variants.VARIANTS`, e.g. `joint3d`.
        records: Folder of records; those of the bundled slabs if `None`, built on first use.
        run: Folder of the run; `runs/<variant>` if `None`.
        verbose: As in `build_records`.
        settings: Other flags of `python -m keras_ruo2 train`, e.g. `steps=2000`.

    Returns:
        The `Run`.

    Raises:
        ConfigError: Before anything slow starts, as the command does.
    """
    from keras_ruo2.commands.train import main
    from keras_ruo2.config import TrainConfig
    from keras_ruo2.io.paths import RUNS

    if records is not None:
        settings["records"] = Path(records)
    if run is not None:
        settings["run"] = Path(run)
    with messages.printed_messages(verbose):
        main(TrainConfig(variant=variant, **settings))
    return Run(settings.get("run", RUNS / variant))
