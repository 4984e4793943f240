"""One command at a time works on an output."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from keras_ruo2.errors import Busy, ConfigError, check_writable
from keras_ruo2.io.paths import shown

# filelock raises where a file system has no locks, as some of NFS: there a file names the process.
HELD = (errno.EWOULDBLOCK, errno.EACCES)  # what `flock` says of a lock that another process has


@contextmanager
def only_user(path: Path, removed: bool = False) -> Iterator[None]:
    """Hold a lock file for this process alone; the lock goes with the process, however it ends.

    Where the file system has no locks, the file itself is the lock, and names its process.

    Args:
        path: The lock file, in an existing folder.
        removed: Whether to remove the file at the end.

    Raises:
        Busy: If another process holds it.
    """
    path = Path(path)
    with ExitStack() as stack:
        file = stack.enter_context(open(path, "a+"))
        while not has_lock(file, path, stack):  # who held the file has removed it meanwhile
            file = stack.enter_context(open(path, "a+"))
        if removed:
            stack.callback(path.unlink, missing_ok=True)
        yield


def has_lock(file: IO[str], path: Path, stack: ExitStack) -> bool:
    """Lock an open file and say whether it is still the one at `path`.

    Raises:
        Busy: If another process holds it.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in HELD:
            raise busy(path) from None
        stack.enter_context(named_user(path.with_name(f"{path.name}.process")))
        return True
    return path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())


@contextmanager
def named_user(path: Path) -> Iterator[None]:
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


def has_ended(text: str) -> bool:
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


def busy(path: Path, more: str = "") -> Busy:
    """Return the error about an output that another process works on."""
    return Busy(
        f"Another command is working in {shown(path.parent)}. Wait for it, or end it.{more}"
    )


@contextmanager
def one_at_a_time(*outputs: Path) -> Iterator[None]:
    """Hold output files or folders for this process alone, each by a hidden lock beside it.

    Folders are made for them, and go again if they are empty at the end.

    Raises:
        Busy: If another process works on one of them.
        ConfigError: If nothing can be written there.
    """
    with ExitStack() as stack:
        for out in outputs:
            hold(Path(out), stack)
        yield


def clear_lock(out: Path) -> None:
    """Remove the lock of a command that was killed when its output was whole already."""
    if lock_of(Path(os.path.realpath(out))).exists():
        with suppress(Busy, OSError, ConfigError), one_at_a_time(out):
            pass


def hold(out: Path, stack: ExitStack) -> None:
    """Enter the lock of an output into an `ExitStack`."""
    lock = lock_of(Path(os.path.realpath(out)))
    new = [folder for folder in lock.parents if not folder.exists()]
    check_writable(lock.parent)
    stack.callback(remove_empty, new)
    try:
        stack.enter_context(only_user(lock, removed=True))
    except Busy:
        raise Busy(f"Another command is working on {shown(out)}. Wait for it, or end it.") from None


def lock_of(out: Path) -> Path:
    """Return the lock of an output: beside it, or within a folder beside which none can be."""
    if out.is_dir() and not (out.name and os.access(out.parent, os.W_OK)):
        return out / ".lock"
    return out.with_name(f".{out.name}.lock")


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove folders, the innermost first, as long as there is nothing in them."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()
