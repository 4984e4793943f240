"""A process of its own that relaxes, so that a calculator that hangs or crashes can be ended."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait

from ase import Atoms
from ase.calculators.calculator import Calculator

from keras_ruo2.errors import ConfigError
from keras_ruo2.relaxation.relax import Limits, relax, untouched
from keras_ruo2.relaxation.signals import answered, held_back

PATIENCE = 10.0  # s beyond the time limit that a call of a calculator has at least
MAKING = 900.0  # s that making a calculator may take: libraries are imported, models fetched
START = multiprocessing.get_context("spawn")  # a fork would copy the threads' locks of the parent


Make = Callable[[str], tuple[Calculator, dict[str, str]]]


class Worker:
    """Relaxes structures one by one in a process that is replaced when it does not answer.

    Args:
        make: Function, importable by its name, that returns `(calculator, provenance)`.
        name: Its argument.
        limits: `Limits` of every relaxation. A call of the calculator that is not back when
            twice `limits.seconds`, or `PATIENCE` more than `limits.seconds`, have passed is ended.

    Raises:
        ConfigError: If `make` does, or takes longer than `MAKING`.
    """

    def __init__(self, make: Make, name: str, limits: Limits) -> None:
        self.make, self.name, self.limits = make, name, limits
        self.start()

    def start(self) -> None:
        """Start a process and wait until it has its calculator."""
        self.connection, theirs = START.Pipe()
        arguments = (theirs, self.make, self.name, self.limits)
        self.process = START.Process(target=serve, args=arguments, daemon=True)
        with held_back():
            self.process.start()
        self.alive = True
        theirs.close()
        failure, provenance = f"it took longer than {MAKING:g} s", {}
        try:
            if self.connection.poll(MAKING):
                failure, provenance = self.connection.recv()
        except EOFError:
            failure = f"its process ended ({self.ended()})"
        if failure:
            self.stop()
            raise ConfigError(f"Calculator {self.name!r} could not be made: {failure}")
        self.provenance: dict[str, str] = provenance

    def relax(
        self, atoms: Atoms, trajectory: str | None = None, most_atoms: int | None = None
    ) -> Atoms:
        """Return what `relax.relax` does; see `FAILURES` for a calculator that hangs or crashes."""
        seconds = self.limits.seconds
        if not self.alive:
            self.start()
        try:
            self.connection.send((atoms, trajectory, most_atoms))
            if self.connection.poll(seconds + max(seconds, PATIENCE)):
                return self.connection.recv()
            failure, message = "calculator_hung", f"a call did not end within {seconds:g} s"
        except (EOFError, ConnectionError):
            failure, message = (
                "calculator_error",
                f"the calculator's process ended ({self.ended()})",
            )
        self.stop()
        result = untouched(atoms, failure)
        result.info["error"] = message
        return result

    def ended(self) -> str:
        """Return how the process ended, in words."""
        self.process.join(PATIENCE)
        code = self.process.exitcode
        if code is None or code >= 0:
            return f"exit status {code}"
        return signal.Signals(-code).name

    def stop(self) -> None:
        """End the process at once."""
        if self.alive:
            self.process.kill()
            self.process.join()
            self.process.close()
            self.connection.close()
            self.alive = False

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *reason: object) -> None:
        self.stop()


def serve(connection: Connection, make: Make, name: str, limits: Limits) -> None:
    """Relax what comes through `connection` until it is closed; runs in the process."""
    answered()
    threading.Thread(target=exit_after_parent, daemon=True).start()
    try:
        answer_requests(connection, make, name, limits)
    except (EOFError, ConnectionError):  # the parent has ended, which is no error of this process
        return


def answer_requests(connection: Connection, make: Make, name: str, limits: Limits) -> None:
    """Send how making the calculator went, then a result for each structure that comes."""
    try:
        calculator, provenance = make(name)
    except Exception as error:  # calculators raise whatever they like
        connection.send((f"{type(error).__name__}: {error}", {}))
        return
    connection.send(("", provenance))
    while True:
        atoms, trajectory, most_atoms = connection.recv()
        connection.send(relax(atoms, calculator, limits, trajectory, most_atoms))


def exit_after_parent() -> None:
    """End this process when its parent has ended, however that was."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
    os._exit(1)
