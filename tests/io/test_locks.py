import errno
import fcntl
import os
import socket
import subprocess
import sys

import ase.io
import pytest

from keras_ruo2.config import RelaxConfig
from keras_ruo2.errors import Busy
from keras_ruo2.io.locks import one_at_a_time
from keras_ruo2.relaxation.batch import main as relax

HOLD = """
import sys, time
from keras_ruo2.io.locks import one_at_a_time
with one_at_a_time(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


def without_locks(*_):
    """What `flock` says on file systems such as some of NFS."""
    raise OSError(errno.ENOLCK, "No locks available")


def test_of_two_commands_on_one_output_one_wins_and_the_other_says_so(slab, tmp_path):
    out = tmp_path / "out.extxyz"
    ase.io.write(tmp_path / "s.extxyz", slab)
    values = {"structures": tmp_path / "s.extxyz", "calculator": "tests.fakes:Morse", "steps": 1}
    other = subprocess.Popen([sys.executable, "-c", HOLD, out], stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "held\n"
    with pytest.raises(Busy, match="Another command is working on .*out.extxyz. Wait for it"):
        relax(RelaxConfig(out=out, **values))
    other.kill()
    other.communicate()
    relax(RelaxConfig(out=out, **values))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.extxyz", "s.extxyz"]


def test_where_there_are_no_locks_a_file_names_who_works(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", without_locks)
    out = tmp_path / "run"
    with one_at_a_time(out), pytest.raises(Busy, match="Another command is working on .*run"):
        with one_at_a_time(out):
            pass
    assert not list(tmp_path.iterdir())
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], text=True,
                           capture_output=True).stdout.strip()  # fmt: skip
    lock = tmp_path / ".run.lock.process"
    lock.write_text(f"{socket.gethostname()} {ended}")
    with one_at_a_time(out):
        assert lock.read_text().endswith(f" {os.getpid()}")
    lock.write_text("another-machine 1")
    with pytest.raises(Busy), one_at_a_time(out):
        pass
