"""One relaxation as a piece of work, for this process or a worker anywhere."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ase import Atoms

from keras_ruo2.io.memory import most_atoms
from keras_ruo2.relaxation.calculators import make_calculator
from keras_ruo2.relaxation.mended import without_close_atoms
from keras_ruo2.relaxation.relax import Limits
from keras_ruo2.relaxation.worker import Worker

OWN = threading.local()  # of each thread: the process in which it has a calculator, and for what


def relax_one(
    atoms: Atoms, calculator: str, limits: Limits, trajectory: str | None = None
) -> Atoms:
    """Push atoms apart where they are too close, then relax a structure.

    The calculator works in a process of its own, which is kept for the next piece. Where a piece is
    done does not change its result.

    Args:
        atoms: `ase.Atoms`.
        calculator: Name of the calculator.
        limits: `Limits`.
        trajectory: File (.traj) for every step, or `None`.

    Returns:
        `ase.Atoms` as of `relax.relax`, with the calculator's provenance in `info`.
    """
    worker = worker_for(calculator, limits)
    start = without_close_atoms(atoms, limits.frozen_layers)
    result = worker.relax(start, trajectory, most_atoms(calculator))
    result.info |= worker.provenance
    return result


def worker_for(calculator: str, limits: Limits) -> Worker:
    """Return this thread's `Worker`, a new one if the last one was for something else."""
    if getattr(OWN, "key", None) != (calculator, limits):
        stop()
        # Dask's workers are daemons, which Python lets start no process; this one ends with its
        # parent by itself, which is what that rule is for.
        vars(multiprocessing.current_process())["_config"]["daemon"] = False
        OWN.worker, OWN.key = Worker(make_calculator, calculator, limits), (calculator, limits)
    return OWN.worker


def stop() -> None:
    """End this thread's process, if it has one."""
    if getattr(OWN, "worker", None) is not None:
        OWN.worker.stop()
    OWN.worker = OWN.key = None


@contextmanager
def closing() -> Iterator[None]:
    """End this thread's process when the work is done or broken off."""
    try:
        yield
    finally:
        stop()
