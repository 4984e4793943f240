import importlib.util
import sys
import types

import numpy as np
import pytest

from keras_ruo2.errors import ConfigError
from keras_ruo2.relaxation import calculators
from keras_ruo2.relaxation.calculators import check_calculator, make_calculator, method_of
from keras_ruo2.structure.crystals import rutile_ruo2
from keras_ruo2.thermodynamics.surface import KNOWN_REFERENCES

SEVENNET = [f"sevennet:{name}" for name in calculators.CALCULATORS["sevennet"].models]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vasp", "Unknown calculator 'vasp'. Expected 'chgnet', 'mace'"),
        ("chgnet:file", "Unknown calculator 'chgnet:file'"),
        ("quippy", "Unknown calculator 'quippy'"),
        ("sevennet", "Unknown calculator 'sevennet'. Expected one of: sevennet:7net-0, "),
        ("sevennet:7net-mf-0", "Expected one of: .*, sevennet:7net-mf-0@PBE, sevennet:7net-mf-0@R"),
        ("sevennet:7net-omni", "Unknown calculator 'sevennet:7net-omni'"),
        ("nowhere:thing", "cannot import nowhere"),
        ("ase.calculators.lj:thing", "no callable 'thing'"),
    ],
)
def test_unknown_calculators_are_refused(name, message):
    with pytest.raises(ConfigError, match=message):
        check_calculator(name)


@pytest.mark.parametrize("name", ["chgnet", "mace", "quippy:gap.xml", "sevennet:7net-0"])
def test_a_calculator_that_is_not_installed_says_how_to_install_it(name, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: None)
    with pytest.raises(ConfigError, match="is not installed. Install it: pip install"):
        check_calculator(name)


def test_files_of_one_name_differ_in_the_provenance(tmp_path, monkeypatch):
    """A stand-in for quippy, which is not bundled: what is handed to it, and what is written."""
    package = types.ModuleType("quippy")
    package.potential = types.ModuleType("quippy.potential")
    package.potential.Potential = lambda param_filename: f"made of {param_filename}"
    monkeypatch.setitem(sys.modules, "quippy", package)
    monkeypatch.setitem(sys.modules, "quippy.potential", package.potential)
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: module)
    monkeypatch.setattr(calculators.importlib.metadata, "version", lambda name: f"1 of {name}")
    path, found = tmp_path / "gap.xml", []
    for text in ("one", "other"):
        path.write_text(text)
        calculator, provenance = make_calculator(f"quippy:{path}")
        assert calculator == f"made of {path}"
        assert provenance["calculator"].startswith("GAP gap.xml ")
        assert provenance["calculator_version"] == "quippy 1 of quippy-ase"
        assert provenance["correction"] == "none"
        found.append(provenance["calculator"])
    assert found[0] != found[1]
    with pytest.raises(ConfigError, match="no such file"):
        make_calculator(f"quippy:{tmp_path / 'other.xml'}")


def test_a_model_that_its_package_lacks_is_not_fetched(tmp_path, monkeypatch):
    package = types.SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: package)
    with pytest.raises(ConfigError, match="no such file .*sevennet_0.pth. Install it again: pip"):
        check_calculator("sevennet:7net-0")


def test_methods_are_known_before_a_calculator_is_made():
    assert method_of("sevennet:7net-mf-0@PBE") == ("SevenNet 7net-mf-0 PBE", "none")
    assert method_of("chgnet") == ("CHGNet 0.3.0", calculators.OXIDE_CORRECTION_UNDONE)
    assert method_of("tests.fakes:Morse") == ("tests.fakes:Morse", "none")


@pytest.mark.parametrize("name", ["chgnet", *SEVENNET])
def test_references_are_known_of_every_bundled_model_of_pbe(name):
    assert (method_of(name) in KNOWN_REFERENCES) == (name != "sevennet:7net-mf-0@R2SCAN")


def test_chgnet_gives_the_same_forces_with_and_without_stress():
    pytest.importorskip("chgnet")
    calculator, _ = make_calculator("chgnet")
    atoms = rutile_ruo2()
    atoms.rattle(0.05, seed=1)
    calculator.calculate(atoms, ["forces"])
    alone = calculator.results["forces"].copy()
    assert "stress" not in calculator.results
    atoms.calc = calculator
    assert atoms.get_stress().shape == (6,)
    np.testing.assert_allclose(atoms.get_forces(), alone, atol=1e-5)


def test_a_calculator_that_cannot_be_made_says_why(monkeypatch):
    def offline(path):
        raise RuntimeError("download failed\nand no model is here")

    row = calculators.CALCULATORS["mace"]._replace(make=offline)
    monkeypatch.setitem(calculators.CALCULATORS, "mace", row)
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: module)
    monkeypatch.setattr(calculators.importlib.metadata, "version", lambda name: "1")
    with pytest.raises(ConfigError, match="'mace' cannot be made .*: download failed and no"):
        make_calculator("mace")
