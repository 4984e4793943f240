"""One command at a time works on an output."""

import errno
import fcntl
import os
import socket
from contextlib import contextmanager
from pathlib import Path

from keras_ruo2.errors import Busy
from keras_ruo2.io.paths import shown

HELD = (errno.EWOULDBLOCK, errno.EACCES)  # what `flock` says of a lock that another process has


@contextmanager
def only_user(path):
    """Hold a lock file for this process alone; the lock goes with the process, however it ends.

    Where the file system has no locks, the file itself is the lock, and names its process.

    Args:
        path: The lock file, in an existing folder.

    Raises:
        Busy: If another process holds it.
    """
    path = Path(path)
    with open(path, "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in HELD:
                raise busy(path) from None
            with named_user(path.with_name(f"{path.name}.process")):
                yield
            return
        yield


@contextmanager
def named_user(path):
    """Hold a file that names this process, made in one step; one of an ended process is replaced.

    Raises:
        Busy: If it names another process, which runs or is on another machine.
    """
    own = f"{socket.gethostname()} {os.getpid()}"
    if path.exists() and has_ended(path.read_text()):
        path.unlink(missing_ok=True)
    try:
        with open(path, "x") as file:
            file.write(own)
    except FileExistsError:
        raise busy(path, f" If it has ended, delete {shown(path)}.") from None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def has_ended(text):
    """Say whether the process that a text names was on this machine and is no more."""
    host, _, number = text.partition(" ")
    if host != socket.gethostname() or not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def busy(path, more=""):
    """Return the error about an output that another process works on."""
    return Busy(
        f"Another command is working in {shown(path.parent)}. Wait for it, or end it.{more}"
    )


@contextmanager
def one_at_a_time(out):
    """Hold an output file or folder for this process alone, by a hidden lock beside it.

    Raises:
        Busy: If another process works on it.
    """
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    lock = out.with_name(f".{out.name}.lock")
    try:
        with only_user(lock):
            yield
            lock.unlink(missing_ok=True)
    except Busy:
        raise Busy(f"Another command is working on {shown(out)}. Wait for it, or end it.") from None
