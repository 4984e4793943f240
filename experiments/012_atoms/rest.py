"""How far generated atoms are from rest on sites that were left out of the fit.

    python experiments/012_atoms/rest.py [--taught=bundled|both] [--steps=900] [--seed=0]

The sets of sites of `tfrecords/drawn.extxyz` are split: four fifths teach beside the bundled slabs
(`both`) or not at all (`bundled`), and the last fifth is looked at. Prints one JSON line: medians
of the root mean square distance of a slab's atoms from where they rest, Å, before and after.
"""

import argparse
import json
from pathlib import Path

import ase.io
import keras
import numpy as np

from keras_ruo2.backend import start_backend

start_backend("tensorflow")
from keras_ruo2.models.networks import build_generator  # noqa: E402 - after the backend
from keras_ruo2.species import SPECIES  # noqa: E402
from keras_ruo2.structure.cells import energy_per_atom, orthogonalise  # noqa: E402
from keras_ruo2.structure.motifs import motif_of  # noqa: E402
from keras_ruo2.structure.occupied import at_rest, sites_of_all  # noqa: E402
from keras_ruo2.training.rest import Placing, RestingSlabs  # noqa: E402
from keras_ruo2.training.slabs import AtRest, load_anchors  # noqa: E402

ROOT = Path(__file__).parents[2]


def resting_slabs(anchors):
    """Return the bundled and the drawn slabs at rest, as two lists of `Occupied`."""
    bundled = ase.io.read(ROOT / "tfrecords/gap.extxyz", ":")
    whole = [atoms for atoms in bundled if atoms.info["broken"] == "no"]
    slabs = [*whole, *ase.io.read(ROOT / "tfrecords/drawn.extxyz", ":")]
    motifs = [motif_of(orthogonalise(atoms), SPECIES) for atoms in slabs]
    sites = sites_of_all(motifs, anchors)
    numbers = sorted(set(at_rest(sites, np.array(list(map(energy_per_atom, slabs))))) - {-1})
    return tuple(
        [sites[number] for number in numbers if (number < len(whole)) == first]
        for first in (True, False)
    )


def main():
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--taught", choices=("bundled", "both"), default="both")
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    keras.utils.set_random_seed(given.seed)
    anchors = load_anchors(ROOT / "keras_ruo2/bundled/joint3d")
    bundled, drawn = resting_slabs(anchors)
    order = np.random.default_rng(given.seed).permutation(len(drawn))
    left_out = [drawn[number] for number in order[: len(drawn) // 5]]
    taught = bundled + [drawn[number] for number in order[len(left_out) :]]
    taught = taught if given.taught == "both" else bundled
    parts = {"taught": taught, "left_out": left_out}
    batches = {
        name: RestingSlabs(AtRest.of(slabs, anchors), anchors, given.steps, given.seed)
        for name, slabs in parts.items()
    }
    bounds = (12.0,) * 3, (23.0,) * 3  # of lengths; they are not looked at
    generator = build_generator("joint3d", arch="atoms", anchors=anchors, bounds=bounds)
    placing = Placing(anchors, generator)
    row = {"slabs": given.taught, "steps": given.steps, "seed": given.seed}
    row |= {f"num_{name}": len(slabs) for name, slabs in parts.items()}
    row |= {f"{name}_before": placing.median_distance(batches[name]) for name in parts}
    placing.fit(batches["taught"], None)
    row |= {f"{name}_after": placing.median_distance(batches[name]) for name in parts}
    print(json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}))


if __name__ == "__main__":
    main()
