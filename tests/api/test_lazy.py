"""`import keras_ruo2` is quick, and every name of it is where it says."""

import subprocess
import sys

import pytest

import keras_ruo2 as kr

HEAVY = ("keras", "tensorflow", "torch", "jax", "ase", "numpy", "matplotlib", "scipy")


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, keras_ruo2 as kr; dir(kr); kr.__version__; "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == "[]"


def test_functions_on_structures_start_no_backend():
    code = (
        "import sys, keras_ruo2 as kr; kr.read, kr.voxelise, kr.screen, kr.relax, kr.load; "
        "print([name for name in ('keras', 'tensorflow', 'torch', 'jax') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize("name", sorted(kr.MODULES))
def test_every_name_of_the_api_says_what_it_is(name):
    found = getattr(kr, name)
    assert found.__doc__ and found.__module__ == kr.MODULES[name]
    assert name in dir(kr)


def test_other_names_are_refused():
    with pytest.raises(AttributeError, match="has no attribute 'relaxx'"):
        _ = kr.relaxx
