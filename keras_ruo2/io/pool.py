"""Where pieces of work are done: in this process, or on the workers of a Dask cluster.

A piece is a function with arguments that can be pickled, and its result depends on nothing else, so
that it does not matter who does it, when, and how often. The process that holds the pool hands
pieces out and gets results back; it alone knows what is finished.
"""

from __future__ import annotations

import heapq
import importlib.util
import itertools
import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from keras_ruo2.errors import ConfigError, Interrupted
from keras_ruo2.extras import install
from keras_ruo2.io import messages
from keras_ruo2.io.call import Call, Function
from keras_ruo2.io.interrupts import interrupted_later

if TYPE_CHECKING:
    from distributed import Client, Future

Piece = tuple[Any, float, Function, tuple[Any, ...]]  # tag, priority, function, its arguments
ANSWER = 10  # seconds in which a scheduler must answer
LOOK = 10  # seconds between two looks at whether there is a worker at all
MOST_LOSSES = 5  # times that a piece may lose all the workers that Dask tries it on
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
INSTALL = install("scale")


@contextmanager
def open_pool(
    scheduler: str | None = None, workers: int | None = None
) -> Iterator[SerialPool | DaskPool]:
    """Yield the pool that a command asked for, and leave nothing of it behind.

    Args:
        scheduler: Address of a Dask scheduler.
        workers: Number of processes of a cluster on this machine, if there is no scheduler.

    Raises:
        ConfigError: If the scheduler does not answer, or Dask is not installed.
    """
    if scheduler is None and workers is None:
        yield SerialPool()
        return
    if not importlib.util.find_spec("distributed"):
        raise ConfigError(f"--scheduler and --workers need Dask. Install it: {INSTALL}")
    import distributed

    if scheduler is not None:
        with connect(scheduler) as client:
            yield DaskPool(client, f"of {scheduler}")
        return
    with (
        environment_variables(ONE_THREAD),
        interrupted_later(),
    ):  # kept for workers that are started again
        cluster = distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=None,  # the calculator's need is checked before it is called
            dashboard_address=":0",  # any free port
            preload=__name__,
            silence_logs="CRITICAL",
        )
    with cluster, distributed.Client(cluster, set_as_default=False) as client:
        yield DaskPool(client, "on this machine")


def dask_setup(worker: object) -> None:
    """Leave Ctrl-C, which reaches all processes of a terminal, to the one that holds the pool.

    Dask calls this in each worker on this machine when it starts.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=exit_after, args=(os.getppid(),), daemon=True).start()


def exit_after(parent: int) -> None:
    """End this process when its parent has ended, however that was."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


@contextmanager
def environment_variables(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the environment for a while; Dask itself prefers what is set to its own."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def connect(address: str) -> Client:
    """Return a client of the scheduler at `address`, or raise `ConfigError` within seconds.

    Something else may listen there and never say a word, which Dask would wait for; so it is asked
    in a thread that may be left behind.
    """
    from distributed import Client

    clients: list[Client] = []
    errors: list[Exception] = []

    def ask() -> None:
        try:
            clients.append(Client(address, timeout=ANSWER / 2, set_as_default=False))
        except Exception as error:  # what answers may be anything
            errors.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(ANSWER)
    if clients:
        return clients[0]
    reason = errors[0] if errors else f"no answer in {ANSWER} s"
    raise ConfigError(
        f"No Dask scheduler answers at --scheduler={address} ({reason}). Start one (dask "
        "scheduler) and give its address, e.g. tcp://HOST:8786."
    )


class SerialPool:
    """This process: pieces are done one after the other, those of the lowest priority first."""

    size = 1

    def __init__(self) -> None:
        self.waiting: list[tuple[float, int, object, Function, tuple[Any, ...]]] = []
        self.count = itertools.count()

    def submit(self, tag: object, priority: float, function: Function, *arguments: Any) -> None:
        """Hand out a piece of work.

        Args:
            tag: What `results` names it by.
            priority: Number; lower ones go first.
            function: Function of a module.
            arguments: Its arguments.
        """
        heapq.heappush(self.waiting, (priority, next(self.count), tag, function, arguments))

    def results(self) -> Iterator[tuple[Any, Any]]:
        """Yield `(tag, result)` of each piece as it is done, also of those submitted meanwhile."""
        while self.waiting:
            _, _, tag, function, arguments = heapq.heappop(self.waiting)
            yield tag, function(*arguments)

    def call(self, function: Function, *arguments: Any) -> Any:
        """Return the result of one piece of work."""
        return function(*arguments)


class DaskPool:
    """Workers of a Dask cluster; methods as those of `SerialPool`.

    A piece whose worker died is done again elsewhere, by Dask as long as it tries, then by handing
    it out anew.

    Args:
        client: `distributed.Client`.
        where: Where the workers are, for messages.
    """

    def __init__(self, client: Client, where: str) -> None:
        self.client, self.where = client, where
        self.pieces: dict[Future[Any], Piece] = {}
        self.losses: dict[Any, int] = {}
        self.waited: float | None = None

    @property
    def size(self) -> int:
        """Number of threads that work now."""
        return max(1, sum(self.client.nthreads().values()))

    def submit(self, tag: object, priority: float, function: Function, *arguments: Any) -> None:
        piece = (tag, priority, function, arguments)
        packed = pickle.dumps(Call(function, arguments))
        future = self.client.submit(pickle.loads, packed, priority=-priority, pure=False)
        self.pieces[future] = piece

    def results(self) -> Iterator[tuple[Any, Any]]:
        while self.pieces:
            for future in self.wait():
                piece = self.pieces.pop(future)
                error = self.outcome(future)
                if error is None:
                    yield piece[0], future.result()
                else:
                    self.repeat(piece, error)

    def call(self, function: Function, *arguments: Any) -> Any:
        self.submit("call", 0, function, *arguments)
        return dict(self.results())["call"]

    def wait(self) -> set[Future[Any]]:
        """Return the pieces that are done, once there is one."""
        from distributed import wait

        while True:
            try:
                with self.client.as_current():
                    pieces = list(self.pieces)
                    return wait(pieces, timeout=LOOK, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                self.look()
            except Exception as error:
                raise self.gone(error) from None

    def outcome(self, future: Future[Any]) -> BaseException | None:
        """Return what a piece that is done raised, or `None`."""
        try:
            return future.exception(timeout=LOOK)
        except Exception as error:
            raise self.gone(error) from None

    def look(self) -> None:
        """Say once that there is no worker, and raise if the scheduler has gone."""
        if self.client.status != "running":
            raise self.gone(self.client.status)
        if self.client.nthreads():
            self.waited = None
        elif self.waited is None:
            self.waited = time.monotonic()
            messages.warning(f"Waiting for workers {self.where}.")

    def gone(self, error: object) -> Interrupted:
        """Return the error that tells of a lost scheduler."""
        reason = type(error).__name__ if isinstance(error, BaseException) else error
        return Interrupted(
            f"The Dask scheduler {self.where} has gone ({reason}). What is finished is kept: start "
            "a scheduler and repeat the command."
        )

    def repeat(self, piece: Piece, error: BaseException) -> None:
        """Hand a piece out again if its workers died, else raise its error."""
        from distributed.scheduler import KilledWorker

        tag = piece[0]
        if isinstance(error, KilledWorker):
            self.losses[tag] = self.losses.get(tag, 0) + 1
            if self.losses[tag] < MOST_LOSSES:
                self.submit(*piece[:3], *piece[3])
                return
            raise Interrupted(
                f"Every worker {self.where} that was given {tag} died. Look into the workers' "
                "logs, for memory in the first place. What is finished is kept."
            )
        missing = find_missing(error)
        if missing:
            raise Interrupted(
                f"A worker {self.where} has no Python module {missing}. Install this package "
                "there, as here, with the extras of the calculator."
            )
        if isinstance(error, FileNotFoundError):
            raise Interrupted(
                f"A worker {self.where} does not find {error.filename}. All workers must see the "
                "folders of this command, under the same names."
            )
        if isinstance(error, ConfigError):
            raise type(error)(f"A worker {self.where}: {error}")
        raise error


def find_missing(error: BaseException | None) -> str | None:
    """Return the name of the module that could not be imported, or `None`."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError):
            return error.name
        error = error.__cause__ or error.__context__
    return None
