"""Where atoms rest is learned before the first step."""

import dataclasses
import os
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from keras_ruo2.commands.train import relaxed_slabs
from keras_ruo2.config import TrainConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.models.energies import slab_features
from keras_ruo2.models.networks import build_generator
from keras_ruo2.structure.occupied import anchor_frames, occupied_sites
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.training import rest
from keras_ruo2.training.losses import distance_from_rest
from keras_ruo2.training.relaxed import RelaxedSlab, read_relaxed
from keras_ruo2.training.rest import move_to_rest
from keras_ruo2.training.slabs import AtRest, SlabBatches, load_freed_reader, slab_arrays
from tests.slabs import LATENT, A, C, anchors, bounds, motifs
from tests.training.test_wgan import tiny

SPREAD = 1.01  # how much higher slabs at rest are than their sites


@pytest.fixture(scope="module")
def slabs():
    return expanded()


def expanded():
    """Return what `SlabBatches` knows of slabs that rest a little above and below their sites."""
    known = anchors()
    found = [occupied_sites(motif, known, anchor_frames(known)) for motif in motifs()]
    at_rest = AtRest.of(found, known)
    frames = known.cells[at_rest.cells.argmax(axis=1), 0]
    heights = known.positions[frames][..., 2] * at_rest.occupancy
    offsets = np.zeros_like(at_rest.offsets)
    offsets[..., 2] = (SPREAD - 1) * heights
    return SimpleNamespace(anchors=known, at_rest=AtRest(at_rest.cells, at_rest.occupancy, offsets))


def weights_of(network):
    return {layer.name: layer.get_weights() for layer in network.layers}


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_only_the_layers_that_place_atoms_are_fitted_and_in_both_generators(slabs):
    model = tiny("joint3d", "atoms")
    before = weights_of(model.generator)
    move_to_rest(model, slabs, TrainConfig(variant="joint3d"), 3)
    for network in (model.generator, model.averaged):
        changed = {name for name, w in weights_of(network).items() if not same(w, before[name])}
        assert changed == {"displace", "settle"}


def test_atoms_come_closer_to_where_they_rest_the_same_way_each_time(slabs):
    model = tiny("joint3d", "atoms")
    start = rest.Placing(slabs.anchors, model.generator)
    batches = rest.RestingSlabs(slabs.at_rest, slabs.anchors, 20, 1)
    far = start.median_distance(batches)
    found = []
    for _ in range(2):
        placing = rest.Placing(slabs.anchors, model.generator)
        placing.fit(batches, None)
        found.append(placing.median_distance(batches))
    assert found[0] < 0.5 * far
    assert found[0] == pytest.approx(found[1], rel=1e-4)


def test_the_fit_ends_when_its_share_of_the_minutes_is_over(slabs):
    placing = rest.Placing(slabs.anchors, tiny("joint3d", "atoms").generator)
    placing.fit(rest.RestingSlabs(slabs.at_rest, slabs.anchors, 20, 1), 0.0)
    assert int(keras.ops.convert_to_numpy(placing.network.optimizer.iterations)) == 1


def test_nothing_is_fitted_where_no_slab_lies_on_the_sites():
    model = tiny("joint3d", "atoms")
    before = weights_of(model.generator)
    known = anchors()
    nothing = SimpleNamespace(anchors=known, at_rest=AtRest.of([], known))
    move_to_rest(model, nothing, TrainConfig(variant="joint3d"), 3)
    assert all(same(w, before[name]) for name, w in weights_of(model.generator).items())


def test_the_distance_from_rest_is_that_of_slabs_moved_onto_each_other(rng):
    apart = np.zeros((3, 4, 3), "float32")
    there = np.array([[1, 1, 0, 0]] * 3, "float32")
    apart[0] = [0.3, 0.1, -0.2]  # the whole slab elsewhere
    apart[1, 0, 0], apart[1, 1, 0] = 0.3, -0.3
    apart[2] = apart[1]
    apart[2, 2:] = 5.0  # empty sites do not count
    found = keras.ops.convert_to_numpy(distance_from_rest(apart, there))
    np.testing.assert_allclose(found, [0.0, 0.29, 0.29], atol=2e-3)


class Stored:
    """Records of slabs of known energies, as `SlabBatches` reads them."""

    def __init__(self, found, energies):
        self.motif = np.array([motif.to_bytes() for motif in found], object)
        self.energy = np.array(energies)

    def __len__(self):
        return len(self.motif)

    def read(self, indices, names):
        return {name: getattr(self, name)[indices] for name in names}


def test_relaxed_slabs_teach_beside_those_of_the_records(capsys):
    found = motifs()
    records = Stored(found[:2], [-7.0, -7.1])
    alone = SlabBatches(records, None, anchors())
    both = SlabBatches(
        records, None, anchors(), [RelaxedSlab(motif, -7.2, None, np.nan) for motif in found[2:]]
    )
    assert (len(alone.at_rest), len(both.at_rest)) == (2, len(found))
    told = f"{len(found) - 2} of {len(found) - 2} relaxed slabs lie on these sites."
    assert told in capsys.readouterr().out
    batch = records.read(np.arange(2), ("motif", "energy"))
    one, again, next_step = (both.arrays_of(batch, step) for step in (3, 3, 4))
    assert one["places"].shape[0] == one["resting_occupancy"].shape[0] == 2
    np.testing.assert_array_equal(one["resting_occupancy"], again["resting_occupancy"])
    drawn = [both.arrays_of(batch, step)["resting_cell"].argmax(axis=1) for step in range(30)]
    assert set(np.ravel(drawn)) == set(both.at_rest.cells.argmax(axis=1))
    assert next_step.keys() == one.keys()


def test_relaxed_slabs_are_read_with_their_energies(tmp_path):
    atoms = [build_slab(name, a=A, c=C) for name in ("110-stoichiometric", "100-O-rich")]
    atoms[0].calc = SinglePointCalculator(atoms[0], energy=-7.0 * len(atoms[0]))
    write(tmp_path / "relaxed.extxyz", atoms)
    first, second = read_relaxed(tmp_path / "relaxed.extxyz", ("Ru", "O"))
    assert len(first.motif) == len(atoms[0])
    assert first.energy == pytest.approx(-7.0)
    assert np.isnan(second.energy)
    assert first.start is None


def test_what_slabs_were_before_relaxing_is_read_where_a_file_tells(tmp_path):
    atoms = build_slab("110-stoichiometric", a=A, c=C)
    atoms.calc = SinglePointCalculator(atoms, energy=-7.0 * len(atoms))
    atoms.info["energy_drawn"] = -6.9 * len(atoms)
    atoms.arrays["drawn"] = atoms.positions + [0, 0, 0.1]
    write(tmp_path / "relaxed.extxyz", atoms)
    (slab,) = read_relaxed(tmp_path / "relaxed.extxyz", ("Ru", "O"))
    assert slab.freed == pytest.approx(0.1)
    np.testing.assert_allclose(
        slab.start.positions - slab.motif.positions, [[0, 0, 0.1]] * len(atoms)
    )
    atoms.arrays["drawn"] = atoms.positions[:, :2]
    write(tmp_path / "relaxed.extxyz", atoms)
    with pytest.raises(ConfigError, match="array drawn does not hold three numbers"):
        read_relaxed(tmp_path / "relaxed.extxyz", ("Ru", "O"))
    atoms.arrays["drawn"] = atoms.positions.copy()
    atoms.info["energy_drawn"] = "much"
    write(tmp_path / "relaxed.extxyz", atoms)
    with pytest.raises(ConfigError, match="energy_drawn is 'much', expected a number"):
        read_relaxed(tmp_path / "relaxed.extxyz", ("Ru", "O"))


ON_ANOTHER_BACKEND = """
from tests.training.test_rest import distances_on
before, after = distances_on()
assert after < 0.5 * before, (before, after)
"""


def distances_on():
    """Return how far atoms are from rest before and after a short fit, on the present backend."""
    found = expanded()
    options = {"anchors": found.anchors, "bounds": bounds(3), "latent_size": LATENT, "width": 2}
    placing = rest.Placing(
        found.anchors, build_generator("joint3d", arch="atoms", num_voxels=8, **options)
    )
    batches = rest.RestingSlabs(found.at_rest, found.anchors, 20, 1)
    before = placing.median_distance(batches)
    placing.fit(batches, None)
    return before, placing.median_distance(batches)


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_other_backends_bring_atoms_closer_to_rest_too(backend):
    pytest.importorskip(backend)
    environment = os.environ | {"KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-c", ON_ANOTHER_BACKEND], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_energy_that_relaxing_sets_free_is_read_off_slabs(tmp_path, rng):
    """Slabs that are shifted apart the more, the more they set free; their order is read."""
    found = motifs()
    examples, wanted = [], []
    for number in range(40):
        motif, far = found[number % len(found)], rng.uniform(0.01, 0.3)
        moved = motif.positions + far * rng.choice([-1, 1], size=motif.positions.shape)
        start = dataclasses.replace(motif, positions=moved)
        examples.append(RelaxedSlab(motif, -7.2, start, far**2))
        wanted.append(far)
    slabs = SlabBatches(Stored(found[:2], [-7.0, -7.1]), None, anchors(), examples)
    slabs.save_freed_reader(tmp_path)
    starts = [slab.start for slab in examples]
    read = load_freed_reader(tmp_path)(slab_features(slab_arrays(starts, 24)))
    assert np.corrcoef(read, np.log(wanted))[0, 1] > 0.9
    nothing = SlabBatches(Stored(found[:2], [-7.0, -7.1]), None, anchors())
    nothing.save_freed_reader(tmp_path / "none")
    assert load_freed_reader(tmp_path / "none") is None


def test_relaxed_slabs_of_other_elements_are_refused_by_name(tmp_path):
    atoms = build_slab("110-stoichiometric", a=A, c=C)
    atoms.symbols[atoms.numbers == 44] = "Ir"
    write(tmp_path / "relaxed.extxyz", atoms)
    with pytest.raises(ConfigError, match=r"structure 0 .*holds Ir; the records are of Ru, O"):
        read_relaxed(tmp_path / "relaxed.extxyz", ("Ru", "O"))


def test_relaxed_slabs_are_refused_where_no_atoms_are_placed(tmp_path):
    relaxed = tmp_path / "relaxed.extxyz"
    config = TrainConfig(variant="lattice2d", arch="waves", relaxed=relaxed)
    with pytest.raises(ConfigError, match="--arch=waves places none"):
        relaxed_slabs(config, None)


def test_a_file_of_relaxed_slabs_that_is_missing_is_named(tmp_path):
    config = TrainConfig(variant="joint3d", relaxed=tmp_path / "relaxed.extxyz")
    with pytest.raises(ConfigError, match="relaxed.extxyz"):
        relaxed_slabs(config, SimpleNamespace(species=("Ru", "O")))
