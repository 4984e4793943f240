"""Commands as copies of this process, which has loaded what they import: all the work, no start-up.

What a command starts is the same as otherwise. Only the seconds are missing in which Python and the
libraries are loaded, where a kill tells nothing of the command.
"""

import atexit
import importlib
import logging
import multiprocessing.util
import os
import runpy
import select
import signal
import subprocess
import sys
import threading
import time
import traceback

LIBRARIES = ("tensorflow", "keras", "tensorboardX", "matplotlib.pyplot", "ase.db", "dask")
loaded = False


def load():
    """Import what commands import, without running any of it."""
    global loaded
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras_ruo2.backend import start_backend

    start_backend("tensorflow")
    programs = [importlib.import_module(f"{name}.__main__") for name in ("keras_ruo2", "data_prep")]
    for name in LIBRARIES:
        importlib.import_module(name)
    for program in programs:
        for command in program.COMMANDS.values():
            importlib.import_module(command.function.partition(":")[0])
    loaded = True


class Forked:
    """A command in a copy of this process; the part of `subprocess.Popen` that is needed."""

    def __init__(self, words, folder, environment):
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid, self.returncode = os.fork(), None
        if not self.pid:
            os.close(reading)
            become(words, folder, environment, writing)
        os.close(writing)
        self.reading = reading

    def poll(self):
        """Return the exit status, or `None` while it runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def send_signal(self, number):
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def communicate(self, timeout):
        """Return what it says until it ends, in the form of `Popen`.

        Raises:
            TimeoutExpired: If it takes longer.
        """
        end, parts = time.monotonic() + timeout, []
        while True:
            if not select.select([self.reading], [], [], max(0, end - time.monotonic()))[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            part = os.read(self.reading, 65536)
            if not part:
                break
            parts.append(part)
        os.close(self.reading)
        while self.poll() is None:
            time.sleep(0.005)
        return b"".join(parts).decode(errors="replace"), None


def become(words, folder, environment, output):
    """Be a command until its end, and end as Python would."""
    status = 1
    try:
        atexit._clear()  # what this process was to do at its end is its own
        os.setsid()
        os.chdir(folder)
        for number in (signal.SIGINT, signal.SIGTERM):
            usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, usual)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for one, other in ((nothing, 0), (output, 1), (output, 2)):
            os.dup2(one, other)
        sys.stdout = open(1, "w", closefd=False)
        sys.stderr = open(2, "w", buffering=1, closefd=False)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = list(words)
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        finish(status)


def finish(status):
    """Do what Python does at its end: what was registered last comes first."""
    try:
        threading._shutdown()
        atexit._run_exitfuncs()
        multiprocessing.util._exit_function()
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)
