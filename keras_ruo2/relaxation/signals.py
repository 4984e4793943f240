"""Signals that are kept while a process is started, which must not be left half done."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

HELD = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def held_back() -> Iterator[None]:
    """Answer Ctrl-C and SIGTERM after the block; processes that it starts begin with both blocked.

    A process that `multiprocessing` has started waits for what it is to do. If its parent ends
    before it has told that, Python's own start ends in a traceback about the end of its input.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    resource_tracker.ensure_running()  # starting it would end the blocking
    caught = []
    before = {number: signal.signal(number, lambda got, _: caught.append(got)) for number in HELD}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
    if caught:
        signal.raise_signal(caught[0])


def answered() -> None:
    """In a process that was started in `held_back`: leave Ctrl-C to the parent, take SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)
