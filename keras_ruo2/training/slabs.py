"""The atoms behind training records: sites for a generator, and what its critic compares with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from keras_ruo2 import runs
from keras_ruo2.data.labels import class_counts, class_numbers
from keras_ruo2.errors import ConfigError
from keras_ruo2.io import messages
from keras_ruo2.io.paths import shown
from keras_ruo2.io.state import read_state, write_state
from keras_ruo2.models.energies import EnergyReader, slab_features
from keras_ruo2.recipes import RECIPES
from keras_ruo2.structure.anchors import Anchors, find_anchors
from keras_ruo2.structure.equivalent import KnownSlabs
from keras_ruo2.structure.motifs import Motif
from keras_ruo2.structure.occupied import Occupied, at_rest, sites_of_all

if TYPE_CHECKING:
    from keras_ruo2.config import CompleteTrainConfig
    from keras_ruo2.data.description import Description
    from keras_ruo2.data.reader import Records
    from keras_ruo2.training.relaxed import Relaxed


ADVICE = "Restore it, or choose another --run."
CHUNK = 256  # records read at a time
LEAST_FREED = 1e-4  # eV per atom: less is as good as none
Part = TypeVar("Part")


def training_slabs(
    records: Records, description: Description, label_by: str
) -> tuple[list[Motif], np.ndarray, np.ndarray]:
    """Return the structures behind records.

    Args:
        records: `Records`.
        description: Their `Description`.
        label_by: `energy` or `dmu_o`.

    Returns:
        List of `Motif`, one of each structure, their classes `(n,)` and records `(n,)`.
    """
    slabs: dict[tuple[str, bytes], list[int]] = {}
    for start in range(0, len(records), CHUNK):
        indices = np.arange(start, min(start + CHUNK, len(records)))
        batch = records.read(indices, ("structure", "motif", "label", "dmu_o"))
        labels = np.zeros(len(indices), int)
        if class_counts(description, label_by):
            labels = class_numbers(batch, description, label_by)
        for name, stored, label in zip(batch["structure"], batch["motif"], labels, strict=True):
            slabs.setdefault((name, stored), [label, 0])[1] += 1
    motifs = [Motif.from_bytes(stored) for _, stored in slabs]
    labels, counts = np.array(list(slabs.values())).T
    return motifs, labels, counts


def anchors_for(config: CompleteTrainConfig, description: Description, records: Records) -> Anchors:
    """Return the `Anchors` of a run: those it was started with, or new ones of its records.

    Args:
        config: `CompleteTrainConfig` with its run.
        description: `Description` of the records.
        records: `Records` of the training split.
    """
    if runs.exists(config.run):
        return anchors_of(config.run)
    motifs, labels, counts = training_slabs(records, description, config.label_by)
    anchors = find_anchors(
        motifs,
        labels,
        counts,
        num_classes=max(1, len(class_counts(description, config.label_by))),
        species=description.species,
        alpha=description.alpha,
        rotated=RECIPES[description.recipe].rotate,
        translated=runs.translated_axes_of(description.source),
    )
    messages.info(
        f"Sites for atoms: {np.sum(anchors.channels >= 0)} in {len(anchors.facets)} frames, of "
        f"{len(motifs)} training structures."
    )
    return anchors


def load_anchors(run: Path) -> Anchors | None:
    """Return the `Anchors` of a run, `None` where it has none, or raise `ConfigError`."""
    return load_part(run, runs.ANCHORS, Anchors)


def load_energy_reader(run: Path) -> EnergyReader | None:
    """Return the `EnergyReader` of a run, `None` where it has none, or raise `ConfigError`."""
    return load_part(run, runs.ENERGIES, EnergyReader)


def load_freed_reader(run: Path) -> EnergyReader | None:
    """Return what reads the energy that relaxing sets free, `None` where a run has no such.

    Raises:
        ConfigError: If it cannot be read.
    """
    return load_part(run, runs.FREED, EnergyReader)


def load_known(run: Path) -> KnownSlabs | None:
    """Return the `KnownSlabs` of a run, `None` where it has none, or raise `ConfigError`."""
    return load_part(run, runs.KNOWN, KnownSlabs)


def anchors_of(run: Path) -> Anchors:
    """Return the `Anchors` of a run whose generator places atoms, or raise `ConfigError`."""
    return required(load_anchors(run), run, runs.ANCHORS)


def required(part: Part | None, run: Path, name: str) -> Part:
    """Return what a file of a run holds; raise `ConfigError` if there is no such file."""
    if part is None:
        raise ConfigError(f"{shown(run)} lacks {name}. {ADVICE}")
    return part


def load_part(run: Path, name: str, kind: Any) -> Any:
    """Return what a file of a run holds, `None` where there is none.

    Args:
        run: Folder of a run.
        name: Of the file.
        kind: Class whose `from_dict` takes what the file says.

    Raises:
        ConfigError: If it cannot be read.
    """
    path = Path(run) / name
    if not path.is_file():
        return None
    values = read_state(path, ADVICE)
    try:
        return kind.from_dict(values)
    except (ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"{path} cannot be used ({error}). {ADVICE}") from None


class SlabBatches:
    """The atoms behind the grids of batches, and where atoms on known sites rest.

    Args:
        records: `Records` of the training split.
        description: `Description`.
        anchors: `Anchors`.
        relaxed: Slabs beside the records that tell where atoms rest, see `read_relaxed`.
        seed: Of the choice of slabs at rest.
    """

    def __init__(
        self,
        records: Records,
        description: Description,
        anchors: Anchors,
        relaxed: Relaxed = (),
        seed: int = 0,
    ) -> None:
        energies = stored_energies(records)
        motifs = [Motif.from_bytes(stored) for stored in energies]
        self.size = max(len(motif) for motif in motifs)
        self.anchors, self.seed = anchors, seed
        self.relaxed = relaxed
        self.motifs = motifs + [slab.motif for slab in relaxed]
        self.energies = np.array([*energies.values(), *(slab.energy for slab in relaxed)], float)
        self.occupied = sites_of_all(self.motifs, anchors)
        resting = set(at_rest(self.occupied, self.energies)) - {-1}
        slabs = [slab for k, slab in enumerate(self.occupied) if slab is not None and k in resting]
        self.at_rest = AtRest.of(slabs, anchors)
        if relaxed:
            there = sum(slab is not None for slab in self.occupied[len(motifs) :])
            messages.info(f"{there} of {len(relaxed)} relaxed slabs lie on these sites.")

    def save_energy_reader(self, run: Path) -> None:
        """Fit an `EnergyReader` to the training slabs and write it to a run's folder."""
        arrays = slab_arrays(self.motifs, max(len(motif) for motif in self.motifs))
        reader = EnergyReader.fit(slab_features(arrays), self.energies)
        if reader is not None:
            write_state(Path(run) / runs.ENERGIES, reader.as_dict())

    def save_freed_reader(self, run: Path) -> None:
        """Fit what reads off slabs how much energy relaxing will set free, and write it.

        It reads the logarithm of eV per atom; there is none where no examples are known.
        """
        known = [slab for slab in self.relaxed if slab.start and np.isfinite(slab.freed)]
        if not known:
            return
        starts = [slab.start for slab in known if slab.start]
        arrays = slab_arrays(starts, max(len(motif) for motif in starts))
        logarithms = np.log(np.maximum([slab.freed for slab in known], LEAST_FREED))
        reader = EnergyReader.fit(slab_features(arrays), logarithms)
        if reader is not None:
            write_state(Path(run) / runs.FREED, reader.as_dict())

    def save_known(self, run: Path) -> None:
        """Write which slabs these are to a run's folder."""
        known = KnownSlabs.of(self.occupied, self.anchors)
        write_state(Path(run) / runs.KNOWN, known.as_dict())

    def arrays_of(self, batch: Mapping[str, np.ndarray], step: int) -> dict[str, np.ndarray]:
        """Return arrays of what a batch of records holds, see `slab_arrays`.

        Beside them `energy`, eV per atom, and of as many slabs at rest, drawn at random for this
        step, `resting_cell` one-hot `(batch, cells)`, `resting_occupancy` `(batch, sites)` and
        `resting_offsets` `(batch, sites, 3)` in Å.
        """
        motifs = [Motif.from_bytes(stored) for stored in batch["motif"]]
        rng = np.random.default_rng([self.seed, step])
        cells, occupancy, offsets = self.at_rest.rows(rng.integers(2**31, size=len(motifs)))
        return slab_arrays(motifs, self.size) | {
            "energy": batch["energy"],
            "resting_cell": cells,
            "resting_occupancy": occupancy,
            "resting_offsets": offsets,
        }


@dataclass(frozen=True)
class AtRest:
    """Sites of slabs at rest, as arrays.

    Args:
        cells: One-hot, which of `Anchors.cells` each has, `(n, cells)`.
        occupancy: 1 where a site holds an atom, `(n, sites)`.
        offsets: Of atoms from their sites, Å, `(n, sites, 3)`.
    """

    cells: np.ndarray
    occupancy: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, slabs: Sequence[Occupied], anchors: Anchors) -> AtRest:
        """Return those of a list of `Occupied`; of none, those of an empty slab."""
        slabs = slabs or [
            Occupied(0, np.zeros(anchors.num_sites), np.zeros((anchors.num_sites, 3)))
        ]
        return cls(
            np.eye(len(anchors.cells), dtype="float32")[[slab.cell for slab in slabs]],
            np.array([slab.occupancy for slab in slabs], "float32"),
            np.array([slab.offsets for slab in slabs], "float32"),
        )

    def __len__(self) -> int:
        return len(self.cells) if self.occupancy.any() else 0

    def rows(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the three arrays of slabs by number, counted round and round."""
        numbers = np.asarray(numbers) % len(self.cells)
        return self.cells[numbers], self.occupancy[numbers], self.offsets[numbers]


def stored_energies(records: Records) -> dict[bytes, float]:
    """Return the energy of each motif that records hold, eV per atom."""
    energies: dict[bytes, float] = {}
    for start in range(0, len(records), CHUNK):
        indices = np.arange(start, min(start + CHUNK, len(records)))
        batch = records.read(indices, ("motif", "energy"))
        energies |= dict(zip(batch["motif"], batch["energy"], strict=True))
    return energies


def slab_arrays(motifs: Sequence[Motif], size: int) -> dict[str, np.ndarray]:
    """Return motifs as arrays that a critic of environments takes.

    Args:
        motifs: List of `Motif`.
        size: Atoms of the arrays; motifs with fewer are filled up with atoms of no weight.

    Returns:
        Dict: `places` float32 `(n, size, 3)` in Å, `weights` float32 `(n, size, 2)`, 1 for
        a metal atom or an anion, and `cell` float32 `(n, 3)` in Å.
    """
    places = np.zeros((len(motifs), size, 3), "float32")
    weights = np.zeros((len(motifs), size, 2), "float32")
    cell = np.empty((len(motifs), 3), "float32")
    for row, motif in enumerate(motifs):
        count = len(motif)
        places[row, :count], cell[row] = motif.positions, motif.lengths
        weights[row, np.arange(count), motif.channels] = 1
    return {"places": places, "weights": weights, "cell": cell}
