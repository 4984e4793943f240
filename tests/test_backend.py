import os
import platform
import subprocess
import sys

import pytest

from keras_ruo2.backend import ONEDNN, prefer_onednn

ASK = "from tensorflow.python.util import _pywrap_util_port as port; print(port.IsMklEnabled())"
STARTS = {
    "backend": "from keras_ruo2.backend import start_backend; start_backend('tensorflow')",
    "keras_ruo2": "from keras_ruo2.cli import start; from keras_ruo2.__main__ import COMMANDS; "
    "start('keras_ruo2', {'variants': COMMANDS['variants']})",
    "data_prep": "from keras_ruo2.cli import start; from data_prep.__main__ import COMMANDS; "
    "start('data_prep', COMMANDS)",
}
WORDS = {"backend": [], "keras_ruo2": ["variants"], "data_prep": ["gap", "--help"]}


def says(start, setting=None):
    environment = {name: value for name, value in os.environ.items() if name != ONEDNN}
    if setting is not None:
        environment[ONEDNN] = setting
    code = f"try:\n {STARTS[start]}\nexcept SystemExit: pass\n{ASK}"
    command = [sys.executable, "-c", code, *WORDS[start]]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return found.stdout.split()[-1]


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="TensorFlow has it there")
@pytest.mark.parametrize("start", STARTS)
def test_onednn_is_on_whoever_made_the_processor(start):
    assert says(start) == "True"


def test_the_user_s_own_setting_of_onednn_wins():
    assert says("backend", setting="0") == "False"


def test_onednn_is_asked_for_where_nobody_has_decided(monkeypatch):
    monkeypatch.delenv(ONEDNN, raising=False)
    prefer_onednn()
    assert os.environ[ONEDNN] == "1"


def test_the_user_s_own_setting_is_left_as_it_is(monkeypatch):
    monkeypatch.setenv(ONEDNN, "0")
    prefer_onednn()
    assert os.environ[ONEDNN] == "0"


def test_help_says_that_onednn_is_used():
    command = [sys.executable, "-m", "keras_ruo2", "train", "--help"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ONEDNN in found.stdout + found.stderr
