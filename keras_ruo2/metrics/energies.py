"""Do the energies of relaxed samples belong to the classes that were asked for?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from keras_ruo2.metrics.conditioning import class_agreement
from keras_ruo2.metrics.floors import MIN_SAMPLES, TooFewSamples
from keras_ruo2.structure.cells import potential_energy
from keras_ruo2.structure.energies import USABLE, energy_class


def labelled_energies(structures: Iterable[Atoms]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the classes and the energies of the structures that have both.

    Args:
        structures: List of `ase.Atoms`, mapped back from samples and relaxed; the class is
            `info["label"]`. Those whose `info["relax_failures"]` says more than that forces are
            still above their limit are left out.

    Returns:
        Classes `(n,)` and energies per atom `(n,)`, eV.
    """
    labels, energies = [], []
    for atoms in (atoms for atoms in structures if len(atoms) and "label" in atoms.info):
        energy = potential_energy(atoms)
        failures = str(atoms.info.get("relax_failures", "no")).split()
        if energy is not None and set(failures) <= set(USABLE):
            labels.append(int(atoms.info["label"]))
            energies.append(energy / len(atoms))
    return np.array(labels, dtype=int), np.array(energies, dtype=float)


def energy_scores(
    labels: np.ndarray, energies: np.ndarray, edges: Sequence[float], seed: int = 0
) -> dict[str, Any]:
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
