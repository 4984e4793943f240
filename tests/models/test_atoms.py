import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from ase import Atoms

from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.errors import ConfigError
from keras_ruo2.models.atoms import CONTESTED, VARIETY, ChooseCell, Displace, Occupy
from keras_ruo2.models.networks import build_generator
from keras_ruo2.models.slabs import ALWAYS_EQUAL, NEVER_EQUAL
from keras_ruo2.models.variants import VARIANTS
from tests.slabs import LATENT, NAMES, anchors, bounds


@pytest.fixture(scope="module")
def found():
    return anchors()


def generator(found, name="joint3d", **options):
    options = {"arch": "atoms", "width": 1, "num_voxels": 16} | options
    options["bounds"] = bounds(VARIANTS[name].ndim)
    return build_generator(name, latent_size=LATENT, anchors=found, **options)


def drawn(model, rng, count=6):
    noise = rng.normal(size=(count, LATENT)).astype("float32")
    labels = np.arange(count, dtype="int32") % 10
    made = model([noise, labels] if len(model.inputs) > 1 else noise)
    return {name: np.array(value) for name, value in made.items()}


def structure(made, row):
    there = made["weights"][row].max(axis=1) > 0.5
    symbols = np.where(made["weights"][row][there, 0] > 0.5, "Ru", "O")
    cell = made["cell"][row].astype(float)
    atoms = Atoms(symbols, made["places"][row][there].astype(float), cell=cell, pbc=True)
    atoms = atoms.repeat((*made["repeats"][row].round().astype(int), 1))
    atoms.wrap()
    return atoms


def test_the_grid_is_that_of_the_atoms(found, rng):
    made = drawn(generator(found), rng)
    for row, grid in enumerate(made["grid"]):
        expected = voxelise(structure(made, row), grid.shape[:-1], alpha=5.0)
        np.testing.assert_allclose(grid, expected, atol=1e-5)


def test_a_slice_is_a_cut_through_the_atoms(found, rng):
    made = drawn(generator(found, "lattice2d"), rng)
    for row, grid in enumerate(made["grid"]):
        atoms = structure(made, row)
        expected = voxelise(atoms, (16, 16, 16), alpha=5.0)[:, 0]
        np.testing.assert_allclose(grid, expected, atol=1e-5)


def test_lengths_are_those_of_the_cell(found, rng):
    made = drawn(generator(found), rng)
    minimum, maximum = (np.array(bound) for bound in bounds(3))
    scaled = 1 / (1 + np.exp(-made["lattice"]))
    lengths = scaled * (1.1 * maximum - minimum) + minimum
    for row in range(len(lengths)):
        np.testing.assert_allclose(lengths[row], structure(made, row).cell.lengths(), atol=2e-3)


def test_slabs_keep_the_vacuum_of_the_data(found, rng):
    made = drawn(generator(found), rng)
    for row in range(len(made["cell"])):
        z = np.sort(structure(made, row).positions[:, 2])
        height = made["cell"][row, 2]
        assert np.diff(z, append=z[0] + height).max() == pytest.approx(12, abs=1e-3)


def test_every_weight_has_a_finite_gradient(found, rng):
    model = generator(found)
    noise = tf.constant(rng.normal(size=(8, LATENT)).astype("float32"))
    with tf.GradientTape() as tape:
        made = model([noise, tf.range(8) % 10], training=True)
        loss = tf.reduce_sum(made["grid"] ** 2) + tf.reduce_sum(made["lattice"])
    gradients = [
        tf.convert_to_tensor(gradient)  # that of an embedding is sparse
        for gradient in tape.gradient(loss, model.trainable_variables)
    ]
    for weight, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert np.isfinite(np.array(gradient)).all(), weight.path
    moved = {
        w.path
        for w, g in zip(model.trainable_variables, gradients, strict=True)
        if np.abs(g).max() > 0
    }
    assert any("occupancy_logits" in path for path in moved)
    assert any("settle" in path for path in moved)


def test_cells_are_chosen_as_often_as_their_class_has_them(found, rng):
    noise = rng.normal(size=(4000, 1)).astype("float32")
    labels = np.full(4000, NAMES.index("101-O-poor"), "int32")
    chosen = np.array(ChooseCell(found)(noise, labels)).mean(axis=0)
    np.testing.assert_allclose(chosen, found.chances[:, labels[0]], atol=0.01)
    np.testing.assert_allclose(
        np.array(ChooseCell(found)(noise)).mean(axis=0), found.overall, atol=0.03
    )


def cell_zero(found, count):
    return np.tile(np.eye(len(found.cells), dtype="float32")[0], (count, 1))


def test_untrained_sites_are_occupied_as_often_as_in_the_data_and_contested_ones_more_evenly(
    found, rng
):
    noise = rng.normal(size=(4000, found.num_sites)).astype("float32")
    apart = np.full((4000, 1), NEVER_EQUAL, "float32")
    occupancy = np.array(Occupy(found)(cell_zero(found, 4000), np.zeros_like(noise), noise, apart))
    frame = found.cells[0, 0]
    assert set(np.unique(occupancy.round(5))) <= {0.0, 1.0}
    shares = np.where(found.channels[frame] >= 0, found.shares[frame], 0.5)
    contested = (shares > CONTESTED[0]) & (shares < CONTESTED[1])
    chances = 1 / (1 + (1 / shares - 1) ** np.where(contested, 1 / VARIETY, 1))
    assert contested.any()
    rivals = set(found.excluded[found.excluded[:, 0] == frame, 1:].ravel().tolist())
    for site in range(found.num_sites):
        share = occupancy[:, site].mean()
        channel = found.channels[frame, site]
        if channel == 1 and site not in rivals:
            assert share == pytest.approx(chances[site], abs=0.03)
        elif channel != 1:
            assert share == (channel == 0)  # metal always, padding never


def test_sites_that_exclude_each_other_are_never_occupied_together(found, rng):
    frame = found.cells[0, 0]
    pair = np.flatnonzero(found.channels[frame] == 1)[:2]
    changed = dataclasses.replace(found, excluded=np.array([[frame, *pair]]))
    noise = rng.normal(size=(500, found.num_sites)).astype("float32")
    apart = np.full((500, 1), NEVER_EQUAL, "float32")
    occupancy = np.array(Occupy(changed)(cell_zero(found, 500), np.zeros_like(noise), noise, apart))
    both = occupancy[:, pair].sum(axis=1)
    assert both.max() == 1


def test_lower_faces_are_as_upper_ones_as_often_as_in_the_data(found, rng):
    noise = rng.normal(size=(4000, found.num_sites)).astype("float32")
    faces = rng.normal(size=(4000, 1)).astype("float32")
    changed = dataclasses.replace(found, equal=np.full(len(found.equal), 0.3))
    frame = found.cells[0, 0]
    lower = np.flatnonzero(found.upper[frame] != np.arange(found.num_sites))
    assert len(lower)

    def equal(faces):
        drawn = Occupy(changed)(cell_zero(found, 4000), np.zeros_like(noise), noise, faces)
        drawn = np.array(drawn) > 0.5
        return (drawn[:, lower] == drawn[:, found.upper[frame, lower]]).all(axis=1)

    assert equal(np.full_like(faces, ALWAYS_EQUAL)).all()
    by_chance = equal(np.full_like(faces, NEVER_EQUAL)).mean()
    assert equal(faces).mean() == pytest.approx(0.3 + 0.7 * by_chance, abs=0.03)


def test_displacements_stay_within_the_bounds_of_their_sites(found, rng):
    layer = Displace(found)
    still, _ = layer(cell_zero(found, 50))
    layer.common.assign(100 * rng.normal(size=layer.common.shape))
    places, _ = layer(cell_zero(found, 50))
    moved = np.abs(np.array(places) - np.array(still))[..., :2]
    frame = found.cells[0, 0]
    assert moved.max() > 0.01
    assert (moved <= found.bounds[frame][:, :2] + 1e-4).all()


def test_anchors_are_asked_for_and_noise_must_reach_every_site(found):
    with pytest.raises(ConfigError, match="places atoms on the sites of training slabs"):
        build_generator("vanilla3d", arch="atoms")
    with pytest.raises(ConfigError, match="--latent_size=10 is too small for slabs with"):
        build_generator("vanilla3d", arch="atoms", anchors=found, latent_size=10)
