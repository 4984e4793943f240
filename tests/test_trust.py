"""What runs code is asked for by name."""

import pytest

from keras_ruo2.config import DiscoverConfig, RelaxConfig
from keras_ruo2.config.preparation import BasinHoppingConfig, GapConfig
from keras_ruo2.config.references import ReferencesConfig
from keras_ruo2.discovery.pipeline import given_again
from keras_ruo2.errors import ConfigError


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (RelaxConfig, {"structures": "s.extxyz"}),
        (DiscoverConfig, {"samples": "s.npz", "bulk_energy": -1.0, "oxygen_energy": -1.0}),
        (BasinHoppingConfig, {"steps": 1}),
        (GapConfig, {}),
        (ReferencesConfig, {}),
    ],
)
def test_a_pickle_needs_trust(kind, values, slab, tmp_path):
    import ase.io

    ase.io.write(tmp_path / "s.extxyz", slab)
    (tmp_path / "s.npz").touch()
    out = tmp_path / "out.extxyz"
    values = values | {k: tmp_path / values[k] for k in ("structures", "samples") if k in values}
    with pytest.raises(ConfigError, match="is a pickle.*Add --trust"):
        kind(out=out, calculator="mace:own.model", **values)
    assert kind(out=out, calculator="mace:own.model", trust=True, **values).trust


def test_a_folder_does_not_name_the_function_that_is_imported(tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    values = {"run": tmp_path, "out": tmp_path / "o", "bulk_energy": -1.0, "oxygen_energy": -1.0}
    config = DiscoverConfig(calculator="evil:run", **values)
    with pytest.raises(ConfigError, match="was begun with --calculator=evil:run, which runs code"):
        given_again(config, {"out"})
    assert given_again(config, {"out", "calculator"}) is config
    for known in ("mace", "tests.fakes:Morse", "ase.calculators.emt:EMT"):
        named = DiscoverConfig(calculator=known, **values)
        assert given_again(named, {"out"}) is named
