"""What is written of a trial: its snapshots with their history, and its row of the table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ase import Atoms

from keras_ruo2.basin_hopping.trial import count_oxygen, grand_potential
from keras_ruo2.structure.bonds import pair_of
from keras_ruo2.structure.cells import with_energy

if TYPE_CHECKING:
    from keras_ruo2.basin_hopping.chains import Chain
    from keras_ruo2.basin_hopping.search import Plan
    from keras_ruo2.basin_hopping.trial import Snapshot, Trial


def trial_history(plan: Plan, chain: Chain, trial: Trial) -> dict[str, Any]:
    """Return the history that all snapshots of a trial have in common."""
    conditions = plan.conditions
    return {
        **plan.start.info,
        "chain": plan.number,
        "trial": chain.trials,
        "move": trial.kind,
        "outcome": trial.outcome,
        "dmu_o": conditions.dmu_o,
        "oxygen_energy": conditions.oxygen_energy,
        "temperature": conditions.temperature,
    }


def snapshot_atoms(shot: Snapshot, number: int, common: Mapping[str, Any], plan: Plan) -> Atoms:
    """Return a snapshot as it is written: energy, layers, fixed atoms and history."""
    atoms = shot.atoms.copy()
    num_o = count_oxygen(atoms)
    atoms.info = {
        "name": f"{common['start']}-c{common['chain']:03d}-t{common['trial']:05d}-s{number:03d}",
        **common,
        "snapshot": number,
        f"num_{pair_of(atoms)[0].lower()}": len(atoms) - num_o,
        "num_o": num_o,
        "fmax": round(shot.fmax, 4),
        "grand_potential": grand_potential(shot.energy, num_o, plan.conditions),
    }
    return with_energy(atoms, shot.energy)


def trial_row(plan: Plan, chain: Chain, trial: Trial) -> dict[str, Any]:
    """Return a trial's values of `chains.COLUMNS`."""
    values: dict[str, Any] = {"energy": "", "grand_potential": "", "num_o": ""}
    if trial.snapshots:
        last = trial.snapshots[-1]
        num_o = count_oxygen(last.atoms)
        values = {
            "energy": f"{last.energy:.6f}",
            "grand_potential": f"{grand_potential(last.energy, num_o, plan.conditions):.6f}",
            "num_o": num_o,
        }
    return values | {
        "trial": chain.trials,
        "move": trial.kind,
        "outcome": trial.outcome,
        "snapshots": len(trial.snapshots),
        "error": trial.error.replace(",", ";"),
    }
