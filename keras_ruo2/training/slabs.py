"""The atoms behind training records: sites for a generator, and what its critic compares with."""

from pathlib import Path

import numpy as np

from keras_ruo2 import runs
from keras_ruo2.data.labels import class_counts, class_numbers
from keras_ruo2.errors import ConfigError
from keras_ruo2.io import messages
from keras_ruo2.io.state import read_state, write_state
from keras_ruo2.models.energies import EnergyReader, slab_features
from keras_ruo2.recipes import RECIPES
from keras_ruo2.structure.anchors import Anchors, find_anchors
from keras_ruo2.structure.equivalent import KnownSlabs
from keras_ruo2.structure.motifs import Motif
from keras_ruo2.structure.occupied import Occupied, at_rest, sites_of_all

ADVICE = "Restore it, or choose another --run."
CHUNK = 256  # records read at a time


def training_slabs(records, description, label_by):
    """Return the structures behind records.

    Args:
        records: `Records`.
        description: Their `Description`.
        label_by: `energy` or `dmu_o`.

    Returns:
        List of `Motif`, one of each structure, their classes `(n,)` and records `(n,)`.
    """
    slabs = {}
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


def anchors_for(config, description, records):
    """Return the `Anchors` of a run: those it was started with, or new ones of its records.

    Args:
        config: `TrainConfig` with its run.
        description: `Description` of the records.
        records: `Records` of the training split.
    """
    if runs.exists(config.run):
        return load_anchors(config.run)
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


def load_anchors(run):
    """Return the `Anchors` of a run, `None` where it has none, or raise `ConfigError`."""
    return load_part(run, runs.ANCHORS, Anchors)


def load_energy_reader(run):
    """Return the `EnergyReader` of a run, `None` where it has none, or raise `ConfigError`."""
    return load_part(run, runs.ENERGIES, EnergyReader)


def load_known(run):
    """Return the `KnownSlabs` of a run, `None` where it has none, or raise `ConfigError`."""
    return load_part(run, runs.KNOWN, KnownSlabs)


def load_part(run, name, kind):
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
    """The atoms behind the grids of batches, and the slabs at rest on the same sites.

    Args:
        records: `Records` of the training split.
        description: `Description`.
        anchors: `Anchors`.
    """

    def __init__(self, records, description, anchors):
        self.energies = energies = stored_energies(records)
        motifs = [Motif.from_bytes(stored) for stored in energies]
        self.size = max(len(motif) for motif in motifs)
        self.anchors, self.num_cells = anchors, len(anchors.cells)
        sites = sites_of_all(motifs, anchors)
        self.occupied = sites
        nowhere = Occupied(0, np.zeros(anchors.num_sites), np.zeros((anchors.num_sites, 3)))
        resting = at_rest(sites, np.array(list(energies.values())))
        self.resting = {
            stored: nowhere if number < 0 else sites[number]
            for stored, number in zip(energies, resting, strict=True)
        }

    def save_energy_reader(self, run):
        """Fit an `EnergyReader` to the training slabs and write it to a run's folder."""
        arrays, energies = slab_arrays(list(self.energies), self.size), self.energies.values()
        reader = EnergyReader.fit(slab_features(arrays), np.array(list(energies), float))
        if reader is not None:
            write_state(Path(run) / runs.ENERGIES, reader.as_dict())

    def save_known(self, run):
        """Write which slabs these are to a run's folder."""
        known = KnownSlabs.of(self.occupied, self.anchors)
        write_state(Path(run) / runs.KNOWN, known.as_dict())

    def arrays_of(self, batch):
        """Return arrays of what a batch of records holds, see `slab_arrays`.

        Beside them `energy`, eV per atom, and of slabs at rest `resting_cell` one-hot
        `(batch, cells)`, `resting_occupancy` `(batch, sites)`, 0 where none is known, and
        `resting_offsets` `(batch, sites, 3)` in Å.
        """
        resting = [self.resting[stored] for stored in batch["motif"]]
        return slab_arrays(batch["motif"], self.size) | {
            "energy": batch["energy"],
            "resting_cell": np.eye(self.num_cells, dtype="float32")[[s.cell for s in resting]],
            "resting_occupancy": np.array([s.occupancy for s in resting], "float32"),
            "resting_offsets": np.array([s.offsets for s in resting], "float32"),
        }


def stored_energies(records):
    """Return the energy of each motif that records hold, eV per atom."""
    energies = {}
    for start in range(0, len(records), CHUNK):
        indices = np.arange(start, min(start + CHUNK, len(records)))
        batch = records.read(indices, ("motif", "energy"))
        energies |= dict(zip(batch["motif"], batch["energy"], strict=True))
    return energies


def slab_arrays(stored, size):
    """Return motifs as arrays that a critic of environments takes.

    Args:
        stored: The motifs of a batch, as records hold them.
        size: Atoms of the arrays; motifs with fewer are filled up with atoms of no weight.

    Returns:
        Dict: `places` float32 `(batch, size, 3)` in Å, `weights` float32 `(batch, size, 2)`, 1 for
        a metal atom or an anion, and `cell` float32 `(batch, 3)` in Å.
    """
    places = np.zeros((len(stored), size, 3), "float32")
    weights = np.zeros((len(stored), size, 2), "float32")
    cell = np.empty((len(stored), 3), "float32")
    for row, content in enumerate(stored):
        motif = Motif.from_bytes(content)
        count = len(motif)
        places[row, :count], cell[row] = motif.positions, motif.lengths
        weights[row, np.arange(count), motif.channels] = 1
    return {"places": places, "weights": weights, "cell": cell}
