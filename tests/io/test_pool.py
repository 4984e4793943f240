import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from keras_ruo2.basin_hopping import search, worker
from keras_ruo2.config.preparation import BasinHoppingConfig, RecordsConfig
from keras_ruo2.errors import Busy, ConfigError, Interrupted
from keras_ruo2.io import pool
from keras_ruo2.io.pool import SerialPool, open_pool
from keras_ruo2.io.progress import ChainProgress
from keras_ruo2.records.build import main as write_records
from keras_ruo2.records.survey import prepare_structure, prepared_before
from keras_ruo2.records.workplace import only_user
from tests.data_prep.pieces import die, die_once, double, load

ROOT = Path(__file__).resolve().parents[2]
SEARCH = {
    "start": "100-stoichiometric",
    "dmu_o": "-0.5,0.0",
    "calculator": "tests.data_prep.fakes:PairPotential",
    "a": 4.5,
    "c": 3.1,
    "size": 3.0,
    "relax_steps": 3,
    "steps": 5,
}


@pytest.fixture(scope="module")
def scheduler():
    """Address of a scheduler with two workers."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        memory_limit=None,
        dashboard_address=":0",
        silence_logs="CRITICAL",
    ) as cluster:
        yield cluster.scheduler_address


def contents(folder):
    """The contents of every file in a folder, by name."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_here_the_piece_of_lowest_priority_goes_first_also_of_those_that_come_later():
    here = SerialPool()
    for tag, priority in (("b", 2), ("a", 1), ("c", 3)):
        here.submit(tag, priority, double, priority)
    order = []
    for tag, value in here.results():
        order.append((tag, value))
        if tag == "a":
            here.submit("late", 2.5, double, 10)
    assert order == [("a", 2), ("b", 4), ("late", 20), ("c", 6)]


def test_a_piece_whose_worker_died_is_done_again(scheduler, tmp_path):
    with open_pool(scheduler) as workers:
        workers.submit("dies", 0, die_once, str(tmp_path / "marker"), 7)
        workers.submit("lives", 1, double, 4)
        assert dict(workers.results()) == {"dies": 7, "lives": 8}


def test_a_piece_that_kills_every_worker_ends_the_work_in_words(scheduler, monkeypatch):
    monkeypatch.setattr(pool, "MOST_LOSSES", 1)
    with open_pool(scheduler) as workers:
        workers.submit("trial 5", 0, die)
        with pytest.raises(Interrupted, match="that was given trial 5 died.*is kept"):
            dict(workers.results())


def test_a_worker_without_the_package_is_named(scheduler):
    with open_pool(scheduler) as workers:
        workers.submit("x", 0, load, "nothing_of_that_name")
        with pytest.raises(Interrupted, match="no Python module nothing_of_that_name. Install"):
            dict(workers.results())


@pytest.mark.parametrize("listening", [False, True], ids=["nobody", "somebody silent"])
def test_an_address_that_does_not_answer_is_told_in_seconds(listening, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(pool, "ANSWER", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        if not listening:
            server.close()
        with pytest.raises(
            ConfigError, match=f"No Dask scheduler answers at --scheduler={address}"
        ):
            with open_pool(address):
                pass


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(pool.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"need Dask. Install it: pip install -e '.\[scale\]'"):
        with open_pool(workers=2):
            pass


def test_a_scheduler_and_local_workers_exclude_each_other(tmp_path):
    with pytest.raises(ConfigError, match="exclude each other"):
        RecordsConfig(scheduler="tcp://host:1", workers=2)
    with pytest.raises(ConfigError, match="--workers is 0"):
        BasinHoppingConfig(out=tmp_path / "a.extxyz", steps=1, workers=0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What an uninterrupted search in one process leaves."""
    folder = tmp_path_factory.mktemp("whole")
    search.main(BasinHoppingConfig(out=folder / "found.extxyz", **SEARCH))
    return contents(folder)


def test_workers_leave_the_files_of_a_search_in_one_process(whole, scheduler, tmp_path):
    out = tmp_path / "found.extxyz"
    search.main(BasinHoppingConfig(out=out, scheduler=scheduler, **SEARCH))
    assert contents(tmp_path) == whole


def kill_a_worker(address, rows):
    """Kill a worker without warning as soon as a table of trials has two rows."""
    from distributed import Client

    with Client(address, set_as_default=False) as client:
        pids = client.run(os.getpid)
        while not (rows.exists() and rows.read_text().count("\n") > 2):
            time.sleep(0.002)
        os.kill(min(pids.values()), signal.SIGKILL)


def test_a_worker_that_is_killed_costs_a_search_nothing(whole, scheduler, tmp_path):
    out = tmp_path / "found.extxyz"
    arguments = (scheduler, out.with_suffix(".chains") / "chain-000.csv")
    killer = threading.Thread(target=kill_a_worker, args=arguments)
    killer.start()
    search.main(BasinHoppingConfig(out=out, scheduler=scheduler, **SEARCH))
    killer.join()
    assert contents(tmp_path) == whole


def test_trials_of_another_calculator_are_refused(tmp_path, monkeypatch):
    real = worker.make_trial

    def elsewhere(*arguments):
        made = real(*arguments)
        return made._replace(provenance=made.provenance | {"calculator_version": "2"})

    monkeypatch.setattr(search, "make_trial", elsewhere)
    with pytest.raises(ConfigError, match="made a trial with calculator_version = 2, this search"):
        search.main(BasinHoppingConfig(out=tmp_path / "found.extxyz", **SEARCH))


def test_threads_of_a_worker_have_calculators_of_their_own():
    found = []

    def look():
        found.extend(worker.engine_of(SEARCH["calculator"]).calculator for _ in range(2))

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
        thread.join()
    assert found[0] is found[1] and found[2] is found[3] and found[0] is not found[2]


def test_a_structure_too_large_for_a_worker_is_refused_there(monkeypatch):
    monkeypatch.setattr(worker, "make_calculator", lambda name: (object(), {}))
    monkeypatch.setattr(worker, "OWN", threading.local())
    worker.engine_of("chgnet")  # no structure yet
    with pytest.raises(ConfigError, match="A structure of 100000 atoms is too large: chgnet"):
        worker.engine_of("chgnet", 100_000)


def is_alive(process):
    import psutil

    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_ctrl_c_ends_a_search_on_local_workers_in_a_line(tmp_path):
    pytest.importorskip("distributed")
    psutil = pytest.importorskip("psutil")  # comes with it
    process = start_search(tmp_path, SEARCH | {"steps": 1000, "workers": 1})
    workers = psutil.Process(process.pid).children(recursive=True)
    assert workers
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to the workers as well
    _, told = process.communicate(timeout=30)
    assert process.returncode != 0
    assert told.strip() == "python -m data_prep: interrupted."
    end = time.monotonic() + 10
    while any(map(is_alive, workers)):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_scheduler_that_goes_away_is_told_and_nothing_is_lost(tmp_path):
    distributed = pytest.importorskip("distributed")
    options = {"threads_per_worker": 1, "memory_limit": None, "dashboard_address": ":0"}
    with distributed.LocalCluster(n_workers=1, silence_logs="CRITICAL", **options) as cluster:
        with open_pool(cluster.scheduler_address) as workers:
            workers.submit("a", 0, double, 1)
            workers.submit("b", 1, time.sleep, 60)
            for tag, value in (results := workers.results()):
                assert (tag, value) == ("a", 2)
                break
            cluster.close()
            with pytest.raises(Interrupted, match="scheduler of tcp://.* has gone"):
                next(results)


def test_the_time_left_counts_all_chains_together_but_no_less_than_the_longest():
    now = [0.0]
    chains = [SimpleNamespace(trials=1) for _ in range(4)]
    progress = ChainProgress(chains, 10, clock=lambda: now[0])
    for chain in chains:  # four at the same time, ten seconds each
        chain.trials += 1
        progress.count(10.0)
    now[0] = 10.0
    assert progress.seconds_left() == pytest.approx(9 * 10)
    for chain in chains[1:]:
        chain.trials = 11
    assert progress.seconds_left() == pytest.approx(9 * 10)  # one after the other, on one worker


def test_a_search_whose_client_is_killed_goes_on_to_the_same_files(whole, scheduler, tmp_path):
    process = start_search(tmp_path, SEARCH | {"scheduler": scheduler})
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "found.extxyz").exists()
    out = tmp_path / "found.extxyz"
    search.main(BasinHoppingConfig(out=out, scheduler=scheduler, **SEARCH))
    assert contents(tmp_path) == whole


def start_search(folder, settings):
    """Start a search as a command, and return its process when a chain has two trials."""
    flags = [f"--{name}={value}" for name, value in settings.items()]
    command = [sys.executable, "-m", "data_prep", "basin_hopping", f"--out={folder}/found.extxyz"]
    process = subprocess.Popen(
        [*command, *flags],
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    rows = folder / "found.chains" / "chain-000.csv"
    while process.poll() is None and not (rows.exists() and rows.read_text().count("\n") > 2):
        time.sleep(0.005)
    return process


def test_local_workers_use_one_thread_each(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    with open_pool(workers=1) as workers:
        assert workers.size == 1
        assert workers.call(os.getenv, "OMP_NUM_THREADS") == "1"


RECORDS = {"recipe": "gap2d", "num_voxels": 8, "num_classes": 4}


def test_workers_write_the_records_of_one_process(structures, scheduler, tmp_path):
    for name, more in (("here", {}), ("there", {"scheduler": scheduler})):
        settings = RECORDS | {"structures": structures, "out": tmp_path / name}
        write_records(RecordsConfig(**settings | more))
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert not list(tmp_path.glob("*partial*"))


def test_a_build_that_was_killed_goes_on_to_the_same_records(structures, tmp_path):
    settings = RECORDS | {"structures": structures, "holdout": 0.0}
    write_records(RecordsConfig(**settings, out=tmp_path / "whole"))
    flags = [f"--{name}={value}" for name, value in settings.items()]
    command = [sys.executable, "-m", "data_prep", "records", f"--out={tmp_path}/cut", *flags]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    partial = tmp_path / "cut.partial"
    while process.poll() is None and len(list(partial.glob("training-*.json"))) < 2:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "cut").exists()
    there = {path.name: path.stat().st_mtime_ns for path in partial.glob("records/*.tfrecord")}
    assert 2 <= len(there) < 12
    (partial / "records" / "training-00011-of-00012.tfrecord.node.7.partial").write_bytes(b"half")
    damaged = min(there)
    (partial / "records" / damaged).write_bytes(b"half")
    write_records(RecordsConfig(**settings, out=tmp_path / "cut"))
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    kept = [path for path in (tmp_path / "cut").iterdir() if path.name in there]
    assert sum(path.stat().st_mtime_ns == there[path.name] for path in kept) >= 1
    assert not partial.exists()


@pytest.mark.parametrize("half", [b"", b"half a structure"])
def test_a_first_pass_that_was_cut_off_goes_on(structures, tmp_path, monkeypatch, half):
    settings = RECORDS | {"structures": structures}
    write_records(RecordsConfig(**settings, out=tmp_path / "whole"))
    prepared = []

    def stop(atoms, recipe):
        if len(prepared) == 5:
            raise KeyboardInterrupt
        return count(atoms, recipe)

    def count(atoms, recipe):
        prepared.append(atoms)
        return prepare_structure(atoms, recipe)

    for function in (stop, count):
        monkeypatch.setattr("keras_ruo2.records.survey.prepare_structure", function)
        try:
            write_records(RecordsConfig(**settings, out=tmp_path / "cut"))
        except KeyboardInterrupt:
            with open(tmp_path / "cut.partial" / "structures.traj", "ab") as file:
                file.write(half)
    assert len(prepared) == 12
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_a_first_pass_cut_off_in_its_first_structure_begins_again(tmp_path):
    assert prepared_before(tmp_path / "nothing.traj") == ([], 0)
    path = tmp_path / "structures.traj"
    for half in (b"", b"- of Ul", b"- of UlmASE-Trajectory  "):
        path.write_bytes(half)
        assert prepared_before(path) == ([], 0)
        assert not path.exists()


def test_a_full_disk_costs_nothing_that_is_finished(structures, tmp_path, monkeypatch):
    settings = RECORDS | {"structures": structures}
    write_records(RecordsConfig(**settings, out=tmp_path / "whole"))
    with monkeypatch.context() as patch:
        patch.setattr("keras_ruo2.records.build.make_description", stop)
        with pytest.raises(KeyboardInterrupt):
            write_records(RecordsConfig(**settings, out=tmp_path / "cut"))
    partial = tmp_path / "cut.partial"
    next(partial.glob("records/*.tfrecord")).unlink()
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=5_000))
        with pytest.raises(Interrupted, match="MB left.*What is finished stays in"):
            write_records(RecordsConfig(**settings, out=tmp_path / "cut"))
        assert len(list(partial.glob("records/*.tfrecord"))) > 5
        patch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=120_000))
        write_records(RecordsConfig(**settings, out=tmp_path / "cut"))
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def stop(*_):
    raise KeyboardInterrupt


def test_what_a_build_with_other_settings_left_is_not_taken(
    structures, tmp_path, monkeypatch, capsys
):
    settings = RECORDS | {"structures": structures}
    write_records(RecordsConfig(**settings, out=tmp_path / "whole"))

    with monkeypatch.context() as patch:
        patch.setattr("keras_ruo2.records.build.make_description", stop)
        with pytest.raises(KeyboardInterrupt):
            write_records(RecordsConfig(**settings, out=tmp_path / "cut", seed=7))
    assert (tmp_path / "cut.partial").exists()
    write_records(RecordsConfig(**settings, out=tmp_path / "cut"))
    assert "cut.partial: begun with another seed. Beginning again." in capsys.readouterr().out
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_two_builds_of_one_folder_exclude_each_other(structures, tmp_path):
    (tmp_path / "out.partial").mkdir()
    with only_user(tmp_path / "out.partial"), pytest.raises(Busy, match="Another command is"):
        write_records(RecordsConfig(**RECORDS, structures=structures, out=tmp_path / "out"))
