"""A command as a copy of a process says, leaves and answers what one of its own does."""

import os
import signal
import subprocess
import sys

import pytest

from tests.forked import Forked

CODE = """
import atexit, multiprocessing.util, os, sys, time
multiprocessing.util.Finalize(None, print, args=("queues close",), exitpriority=0)
atexit.register(print, "writers close", flush=True)
print(os.getcwd(), os.environ.get("ONLY"), sys.argv[1:], flush=True)
if "wait" in sys.argv:
    time.sleep(60)
sys.exit("a reason" if "fail" in sys.argv else 0)
"""


@pytest.fixture
def begin(tmp_path, monkeypatch):
    (tmp_path / "told_twice.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    return lambda *words: Forked(["told_twice", *words], tmp_path, {"ONLY": "1"})


@pytest.mark.parametrize(("word", "status"), [("go", 0), ("fail", 1)])
def test_a_copy_says_and_returns_what_a_process_does(begin, tmp_path, word, status):
    copy = begin(word)
    said = copy.communicate(timeout=60)[0]
    words = [sys.executable, "-m", "told_twice", word]
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    made = subprocess.run(words, cwd=tmp_path, env={"ONLY": "1"}, check=False, **both)
    assert (said, copy.returncode) == (made.stdout, made.returncode)
    assert said.endswith("writers close\nqueues close\n")
    assert copy.returncode == status and said.startswith(f"{tmp_path} 1 ['{word}']")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_copy_answers_signals(begin, number):
    copy = begin("wait")
    assert b"wait" in os.read(copy.reading, 4096)
    assert copy.poll() is None
    copy.send_signal(number)
    said = copy.communicate(timeout=60)[0]
    if number == signal.SIGINT:
        assert copy.returncode == 1 and "\nKeyboardInterrupt\nwriters close\n" in said
    else:
        assert (copy.returncode, said) == (-number, "")
