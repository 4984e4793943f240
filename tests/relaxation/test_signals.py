import os
import signal
import subprocess
import sys

import pytest

from keras_ruo2.relaxation.signals import held_back

MASK = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))"


@pytest.fixture
def usual_ctrl_c():
    """Python's own answer to Ctrl-C, which a process that was started in the background lacks."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_is_answered_once_the_block_has_ended(usual_ctrl_c):
    done = []
    with pytest.raises(KeyboardInterrupt):
        with held_back():
            os.kill(os.getpid(), signal.SIGINT)
            done.append(True)
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("held", [True, False])
def test_only_what_is_started_inside_begins_with_the_signals_blocked(held):
    def told():
        return subprocess.run([sys.executable, "-c", MASK], capture_output=True, text=True).stdout

    if held:
        with held_back():
            assert told() == "True\n"
    assert told() == "False\n"


def test_sigterm_ends_a_process_after_the_block():
    code = (
        "import os, signal\nfrom keras_ruo2.relaxation.signals import held_back\n"
        "with held_back():\n    os.kill(os.getpid(), signal.SIGTERM)\n    print(1, flush=True)"
        "\nprint('never')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.stdout == "1\n" and ended.returncode == -signal.SIGTERM
