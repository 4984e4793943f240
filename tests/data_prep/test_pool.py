import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data_prep import basin_hopping, pool
from data_prep.config import BasinHoppingConfig, RecordsConfig
from data_prep.pool import Here, open_pool
from data_prep.records import main as write_records
from data_prep.workplace import only_user
from keras_ruo2.errors import Busy, ConfigError, Interrupted
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
    "steps": 3,
}


@pytest.fixture(scope="module")
def scheduler():
    """Address of a scheduler with two workers."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        memory_limit=None,
        dashboard_address=None,
        silence_logs="CRITICAL",
    ) as cluster:
        yield cluster.scheduler_address


def contents(folder):
    """The contents of every file in a folder, by name."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_here_the_piece_of_lowest_priority_goes_first_also_of_those_that_come_later():
    here = Here()
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


def test_workers_leave_the_files_of_a_search_in_one_process(scheduler, tmp_path):
    for name, more in (("here", {}), ("there", {"scheduler": scheduler})):
        folder = tmp_path / name
        folder.mkdir()
        basin_hopping.main(BasinHoppingConfig(out=folder / "found.extxyz", **SEARCH | more))
    assert contents(tmp_path / "there") == contents(tmp_path / "here")


def test_a_killed_search_with_workers_goes_on_to_the_same_files(tmp_path):
    pytest.importorskip("distributed")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    basin_hopping.main(BasinHoppingConfig(out=whole / "found.extxyz", **SEARCH))
    flags = [f"--{name}={value}" for name, value in SEARCH.items()]
    command = [sys.executable, "-m", "data_prep", "basin_hopping", f"--out={cut}/found.extxyz"]
    process = subprocess.Popen(
        [*command, *flags, "--workers=2"],
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    rows = cut / "found.chains" / "chain-000.csv"
    while process.poll() is None and not (rows.exists() and rows.read_text().count("\n") > 2):
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (cut / "found.extxyz").exists()
    basin_hopping.main(BasinHoppingConfig(out=cut / "found.extxyz", **SEARCH))
    assert contents(cut) == contents(whole)


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
    (partial / "records" / "training-00011-of-00012.tfrecord.partial").write_bytes(b"half")
    write_records(RecordsConfig(**settings, out=tmp_path / "cut"))
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    kept = [path for path in (tmp_path / "cut").iterdir() if path.name in there]
    assert sum(path.stat().st_mtime_ns == there[path.name] for path in kept) >= 2
    assert not partial.exists()


def test_what_a_build_with_other_settings_left_is_not_taken(structures, tmp_path, monkeypatch):
    settings = RECORDS | {"structures": structures}
    write_records(RecordsConfig(**settings, out=tmp_path / "whole"))

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("data_prep.records.describe", stop)
        with pytest.raises(KeyboardInterrupt):
            write_records(RecordsConfig(**settings, out=tmp_path / "cut", seed=7))
    assert (tmp_path / "cut.partial").exists()
    write_records(RecordsConfig(**settings, out=tmp_path / "cut"))
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_two_builds_of_one_folder_exclude_each_other(structures, tmp_path):
    (tmp_path / "out.partial").mkdir()
    with only_user(tmp_path / "out.partial"), pytest.raises(Busy, match="Another command is"):
        write_records(RecordsConfig(**RECORDS, structures=structures, out=tmp_path / "out"))
