"""Small slabs of three facets, as motifs and as anchors of a generator of atoms."""

import numpy as np

from keras_ruo2.recipes import RECIPES
from keras_ruo2.species import SPECIES
from keras_ruo2.structure.anchors import find_anchors
from keras_ruo2.structure.motifs import motif_of
from keras_ruo2.structure.slabs import build_slab

NAMES = ("110-stoichiometric", "110-O-poor", "100-O-rich", "100-stoichiometric", "101-O-poor")
A, C = 4.5, 3.1
LATENT = 48  # a noise number for every site and some more


def bounds(ndim):
    """Return the least and the largest lengths of records, Å."""
    return (12.0,) * ndim, (23.0,) * ndim


def prepared(atoms, num_voxels=32):
    """Return a structure as the recipe for whole grids prepares it."""
    from keras_ruo2.records.survey import prepare_structure

    return prepare_structure(atoms, RECIPES["gap3d"].at(num_voxels))


def motifs(names=NAMES):
    """Return the motifs of slabs that are cut from the crystal."""
    return [motif_of(prepared(build_slab(name, a=A, c=C)), SPECIES) for name in names]


def anchors(names=NAMES, num_classes=10, **known):
    """Return the anchors of these slabs, each of a class of its own."""
    found = motifs(names)
    known = {"alpha": 5.0, "rotated": True, "translated": "xyz"} | known
    labels = np.arange(len(found)) % num_classes
    return find_anchors(found, labels, np.ones(len(found)), num_classes=num_classes, **known)


def batch_of(found, size):
    """Return motifs as a critic of environments takes them."""
    from keras_ruo2.training.slabs import slab_arrays

    return slab_arrays(found, size)


def resting_batch(found, known):
    """Return motifs as `SlabBatches` gives those at rest; `known` are the anchors."""
    from keras_ruo2.structure.occupied import anchor_frames, occupied_sites

    slabs = [occupied_sites(motif, known, anchor_frames(known)) for motif in found]
    return {
        "resting_cell": np.eye(len(known.cells), dtype="float32")[[s.cell for s in slabs]],
        "resting_occupancy": np.array([s.occupancy for s in slabs], "float32"),
        "resting_offsets": np.array([s.offsets for s in slabs], "float32"),
    }
