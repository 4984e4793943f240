"""Files that would run something, fill the memory or never end are refused in one line."""

import gzip
import io
import json
import lzma
import os
import pickle
import struct
import time
import tracemalloc
import zipfile

import ase.io
import numpy as np
import pytest
from ase.db import connect

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.arrays import read_arrays
from keras_ruo2.io.structures import read_structures

HUGE = b"1000000000000\n\nRu 0 0 0\n"


class Runs:
    """Runs a command when it is unpickled."""

    def __reduce__(self):
        return os.system, (f"touch {os.environ['HOSTILE_MARK']}",)


def array(shape, dtype="<f4"):
    """Return a .npy file that announces an array and holds nothing of it."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return header.getvalue()


def archive(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)


def constraint(path, **values):
    """Write an ASE database in JSON whose one row has a constraint of somebody's choice."""
    with connect(path) as database:
        database.write(ase.Atoms("Ru", cell=[9, 9, 9], pbc=True))
    rows = json.loads(path.read_text())
    rows["1"]["constraints"] = [values]
    path.write_text(json.dumps(rows))


def pickled(folder):
    return b"PickleTrajectory" + pickle.dumps(Runs())


def script(folder):
    return (
        f"open({str(folder / 'ran')!r}, 'w')\nfrom ase import Atoms\natoms = Atoms('Ru')".encode()
    )


FILES = {
    "pickled.traj": pickled,
    "bare.traj": lambda folder: pickle.dumps(Runs()),
    "script.py": script,
    "packed.py.gz": lambda folder: gzip.compress(script(folder)),
    "huge.extxyz": lambda folder: HUGE,
    "huge.xyz.gz": lambda folder: gzip.compress(HUGE),
    "huge.extxyz.xz": lambda folder: lzma.compress(HUGE),
    "digits.extxyz": lambda folder: b"9" * 5000 + b"\n\nRu 0 0 0\n",
    "negative.extxyz": lambda folder: b"-3\n\nRu 0 0 0\n",
    "line.extxyz": lambda folder: b"1\n" + b"x" * 3_000_000 + b"\nRu 0 0 0\n",
    "bomb.extxyz.gz": lambda folder: gzip.compress(b"1\n" + bytes(300_000_000)),
    "bomb.cif.xz": lambda folder: lzma.compress(bytes(1_100_000_000), preset=0),
    "items.traj": lambda folder: b"- of UlmASE-Trajectory   " + struct.pack("<3q", 3, 10**12, 48),
    "laughs.xml": lambda folder: (
        b'<?xml version="1.0"?><!DOCTYPE v [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(b'<!ENTITY %c "%s">' % (98 + k, b"&%c;" % (97 + k) * 10) for k in range(9))
        + b"]><modeling>&j;</modeling>"
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused_soon_and_runs_nothing(tmp_path, monkeypatch, name):
    monkeypatch.setenv("HOSTILE_MARK", str(tmp_path / "ran"))
    path = tmp_path / name
    path.write_bytes(FILES[name](tmp_path))
    started = time.perf_counter()
    tracemalloc.start()
    try:
        with pytest.raises(ConfigError) as caught:
            read_structures(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert name in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()
    assert time.perf_counter() - started < 30 and peak < 100_000_000


@pytest.mark.parametrize("name", ["os.system", "__import__", "Filter", "open"])
def test_a_constraint_of_a_database_calls_nothing(tmp_path, name):
    constraint(tmp_path / "slabs.json", name=name, kwargs={"command": f"touch {tmp_path / 'ran'}"})
    try:
        read_structures(tmp_path / "slabs.json")
    except ConfigError as error:
        assert "slabs.json" in str(error)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["a@1.extxyz", "a@b.xyz", "b@2:3.cif", "c@.traj", "[x]*.cif"])
def test_a_name_is_a_name(tmp_path, slab, name):
    kind = "extxyz" if name.endswith("xyz") else name[-4:].strip(".")
    ase.io.write(tmp_path / "plain", slab, format=kind)
    os.replace(tmp_path / "plain", tmp_path / name)
    (found,) = read_structures(tmp_path / name)
    assert len(found) == 18


def test_arrays_are_bounded_before_memory_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("HOSTILE_MARK", str(tmp_path / "ran"))
    hostile = {
        "header": {"grid": array((10**6, 10**6))},
        "negative": {"grid": array((-1, 3))},
        "overflow": {"grid": array((2**62, 2**62))},
        "zeros": {"grid": array((1_100_000_000,), "|u1") + bytes(1_100_000_000)},
        "many": {f"a{k}": array((0,)) for k in range(200)},
    }
    for name, members in hostile.items():
        archive(tmp_path / name, **members)
    np.savez(tmp_path / "pickle.npz", grid=np.array([Runs()], dtype=object))
    (tmp_path / "text").write_text("hello")
    reasons = []
    tracemalloc.start()
    try:
        for name in (*hostile, "pickle.npz", "text"):
            with pytest.raises(ValueError) as caught:
                read_arrays(tmp_path / name)
            reasons.append(str(caught.value))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100_000_000
    assert not (tmp_path / "ran").exists()
    assert all("would take" in reasons[k] for k in (0, 2, 3))
    assert "200 files" in reasons[4]
    assert reasons[5:] == ["it holds pickles", "it is no .npz of arrays"]
