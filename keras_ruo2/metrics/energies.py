"""Do the energies of relaxed samples belong to the classes that were asked for?"""

import numpy as np

from keras_ruo2.metrics.conditioning import class_agreement
from keras_ruo2.metrics.floors import MIN_SAMPLES, TooFewSamples
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.energies import USABLE, energy_class


def labelled_energies(structures):
    """Return the classes and the energies of the structures that have both.

    Args:
        structures: List of `ase.Atoms`, mapped back from samples and relaxed; the class is
            `info["label"]`. Those whose `info["relax_failures"]` says more than that forces are
            still above their limit are left out.

    Returns:
        Classes `(n,)` and energies per atom `(n,)`, eV.
    """
    pairs = [
        (int(atoms.info["label"]), potential_energy(atoms) / len(atoms))
        for atoms in structures
        if len(atoms)
        and "label" in atoms.info
        and potential_energy(atoms) is not None
        and set(str(atoms.info.get("relax_failures", "no")).split()) <= set(USABLE)
    ]
    labels, energies = zip(*pairs, strict=True) if pairs else ((), ())
    return np.array(labels, dtype=int), np.array(energies, dtype=float)


def energy_scores(labels, energies, edges, seed=0):
    """Compare the classes that were asked for with those of the energies after relaxing.

    Args:
        labels: Classes that were asked for, shape `(n,)`.
        energies: Per atom, eV, shape `(n,)`.
        edges: Edges of the classes, eV per atom, ascending.
        seed: Seed of the shuffled classes.

    Returns:
        What `class_agreement` returns, and `count`.

    Raises:
        TooFewSamples: If there are too few, or all were asked for one class.
    """
    if len(labels) < MIN_SAMPLES or len(np.unique(labels)) < 2:
        raise TooFewSamples(
            f"{len(labels)} relaxed structures with energies, of {len(np.unique(labels))} classes; "
            f"at least {MIN_SAMPLES} and two classes are needed"
        )
    classes = energy_class(energies, edges)
    rng = np.random.default_rng(seed)
    return {"count": len(labels)} | class_agreement(labels, classes, len(edges) - 1, rng)
