"""A process of its own that relaxes, so that a calculator that hangs or crashes can be ended."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait

from keras_ruo2.errors import ConfigError
from keras_ruo2.relaxation.relax import relax, untouched
from keras_ruo2.relaxation.signals import answered, held_back

PATIENCE = 10.0  # s beyond the time limit that a call of a calculator has at least
MAKING = 900.0  # s that making a calculator may take: libraries are imported, models fetched
START = multiprocessing.get_context("spawn")  # a fork would copy the threads' locks of the parent


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

    def __init__(self, make, name, limits):
        self.make, self.name, self.limits = make, name, limits
        self.process = self.connection = self.provenance = None
        self.start()

    def start(self):
        """Start a process and wait until it has its calculator."""
        self.connection, theirs = START.Pipe()
        arguments = (theirs, self.make, self.name, self.limits)
        self.process = START.Process(target=serve, args=arguments, daemon=True)
        with held_back():
            self.process.start()
        theirs.close()
        kind, message = "failed", f"it took longer than {MAKING:g} s"
        try:
            if self.connection.poll(MAKING):
                kind, message = self.connection.recv()
        except EOFError:
            kind, message = "failed", f"its process ended ({self.ended()})"
        if kind == "failed":
            self.stop()
            raise ConfigError(f"Calculator {self.name!r} could not be made: {message}")
        self.provenance = message

    def relax(self, atoms, trajectory=None, most_atoms=None):
        """Return what `relax.relax` does; see `FAILURES` for a calculator that hangs or crashes."""
        seconds = self.limits.seconds
        if self.process is None:
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

    def ended(self):
        """Return how the process ended, in words."""
        self.process.join(PATIENCE)
        code = self.process.exitcode
        if code is None or code >= 0:
            return f"exit status {code}"
        return signal.Signals(-code).name

    def stop(self):
        """End the process at once."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process.close()
            self.connection.close()
            self.process = self.connection = None

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        self.stop()


def serve(connection, make, name, limits):
    """Relax what comes through `connection` until it is closed; runs in the process."""
    answered()
    threading.Thread(target=exit_after_parent, daemon=True).start()
    try:
        answer_requests(connection, make, name, limits)
    except (EOFError, ConnectionError):  # the parent has ended, which is no error of this process
        return


def answer_requests(connection, make, name, limits):
    """Send how making the calculator went, then a result for each structure that comes."""
    try:
        calculator, provenance = make(name)
    except Exception as error:  # calculators raise whatever they like
        connection.send(("failed", f"{type(error).__name__}: {error}"))
        return
    connection.send(("made", provenance))
    while True:
        atoms, trajectory, most_atoms = connection.recv()
        connection.send(relax(atoms, calculator, limits, trajectory, most_atoms))


def exit_after_parent():
    """End this process when its parent has ended, however that was."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
