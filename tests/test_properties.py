"""What holds for whatever comes: readers answer in time, with a result or a `ConfigError`."""

import contextlib
import io
import json
import os
import shutil
import signal
import warnings

import numpy as np
import pytest

from keras_ruo2.errors import ConfigError
from keras_ruo2.io.extxyz import extxyz_text, json_value, parse_structure
from keras_ruo2.io.samples import load_samples, read_samples, species_of
from keras_ruo2.io.state import SEAL, parse_state, read_state, state_text, write_state
from keras_ruo2.io.structures import read_structures
from keras_ruo2.relaxation.outcome import implausible
from keras_ruo2.structure.door import check_structure, usable_structures
from keras_ruo2.structure.validity import reasons_against
from tests import chance, command_lines
from tests.damage_cases import CASES, MAKERS, SAID

MORE = int(os.environ.get("KERAS_RUO2_CASES", 1))  # times as many cases
SECONDS = 60  # that anything may take, else it hangs
ENDINGS = (".extxyz", ".xyz", ".extxyz.gz", ".traj", ".db", ".json", ".cif", ".vasp", ".xsf", "")
NPZ = ((read_samples, ()), (species_of, ()), (load_samples, ((4, 4, 4, 2),)))


@contextlib.contextmanager
def in_time():
    """Fail instead of hanging; what is said meanwhile is nobody's matter."""
    signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it hangs"))
    signal.alarm(SECONDS)
    try:
        with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        signal.alarm(0)


def answer(function, *arguments):
    """Return what a function returns, `None` where it refuses in one line."""
    with in_time():
        try:
            return function(*arguments)
        except ConfigError as error:
            assert str(error)
            return None


def cases(count):
    return pytest.mark.parametrize("seed", range(count * MORE))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A function that returns the folder of a group of `MAKERS`, made once."""
    found = {}

    def make(group):
        if group not in found:
            found[group] = tmp_path_factory.mktemp("made")
            MAKERS[group][0](found[group])
        return found[group]

    return make


@cases(4)
@pytest.mark.parametrize("ending", ENDINGS)
def test_any_bytes_are_structures_or_refused(ending, seed, tmp_path):
    rng, path = np.random.default_rng(seed), tmp_path / f"some{ending}"
    path.write_bytes(rng.bytes(int(rng.integers(400))))
    found = answer(read_structures, path)
    assert found is None or len(found)
    path.write_bytes(chance.text(rng, 60).encode())
    found = answer(read_structures, path)
    assert found is None or len(found)


@cases(60)
def test_whatever_is_like_extxyz_is_read_or_refused_and_the_door_decides(seed, tmp_path):
    rng, path = np.random.default_rng(seed), tmp_path / "some.extxyz"
    text = "".join(chance.frame(rng) for _ in range(rng.integers(1, 3)))
    path.write_bytes(text.encode())
    for atoms in answer(read_structures, path) or ():
        answer(check_structure, atoms)


@cases(60)
def test_any_arrays_are_samples_or_refused(seed, tmp_path):
    rng, path = np.random.default_rng(seed), tmp_path / "samples.npz"
    np.savez(path, **chance.arrays(rng))
    for function, arguments in NPZ:
        found = answer(function, path, *arguments)
        if function is read_samples and found is not None:
            grids, lengths, labels = found
            assert grids.min() >= 0 and grids.max() <= 1
            assert lengths.shape == (len(grids), grids.ndim - 2) and (lengths > 1).all()
            assert labels is None or labels.shape == (len(grids),)


@cases(30)
def test_any_bytes_are_samples_or_refused(seed, tmp_path):
    rng, path = np.random.default_rng(seed), tmp_path / "samples.npz"
    np.savez_compressed(path, **chance.arrays(rng))
    content = bytearray(path.read_bytes())
    for place in rng.integers(len(content), size=rng.integers(1, 20)):
        content[place] = rng.integers(256)
    path.write_bytes(content)
    for function, arguments in NPZ:
        answer(function, path, *arguments)


@cases(60)
def test_state_comes_back_and_any_other_bytes_are_refused(seed, tmp_path):
    rng, path = np.random.default_rng(seed), tmp_path / "state.json"
    values = {chance.text(rng, 4): chance.finite(chance.value(rng)) for _ in range(4)}
    values.pop(SEAL, None)
    write_state(path, values)
    assert read_state(path, "Delete it.") == json.loads(json.dumps(values))
    other = json.dumps(chance.value(rng)) if seed % 2 else chance.text(rng, 30)
    for content in (other.encode(), rng.bytes(int(rng.integers(60)))):
        with in_time(), pytest.raises(ConfigError, match="state.json"):
            parse_state(content, "state.json", "Delete it.")


@cases(5)
@pytest.mark.parametrize(
    "case", [case for case in CASES if case.ours and case.file.endswith(".json")], ids=str
)
def test_values_that_somebody_has_sealed_again_are_used_or_refused(case, seed, made, tmp_path):
    rng, (_, use) = np.random.default_rng(seed), MAKERS[case.group]
    shutil.copytree(made(case.group), tmp_path, dirs_exist_ok=True)
    path = tmp_path / case.file
    values = json.loads(path.read_text())
    sealed = values.pop(SEAL, None)
    values = chance.replaced(rng, values)
    path.write_text(
        state_text(values) if sealed and isinstance(values, dict) else json.dumps(values)
    )
    SAID.clear()
    answer(use, tmp_path)


@cases(60)
def test_extxyz_gives_back_what_it_was_given(seed):
    atoms = chance.described(np.random.default_rng(seed))
    found = parse_structure(extxyz_text([atoms]))
    assert found.numbers.tolist() == atoms.numbers.tolist()
    np.testing.assert_allclose(found.positions, atoms.positions, atol=1e-8)
    np.testing.assert_allclose(found.cell, atoms.cell, atol=1e-8)
    assert found.pbc.tolist() == atoms.pbc.tolist()
    same = {str(key): json.dumps(json_value(entry)) for key, entry in atoms.info.items()}
    assert {key: json.dumps(json_value(entry)) for key, entry in found.info.items()} == same
    assert found.arrays.keys() == atoms.arrays.keys()
    for name in atoms.arrays.keys() - {"positions"}:
        assert found.arrays[name].tolist() == atoms.arrays[name].tolist()


@cases(80)
def test_the_door_lets_a_structure_in_or_refuses_it(seed):
    rng = np.random.default_rng(seed)
    found = [chance.structure(rng) for _ in range(3)]
    kept = answer(lambda: usable_structures("some.extxyz", found, skip=True)) or []
    for atoms in found:
        alone = answer(lambda atoms=atoms: check_structure(atoms) or True)
        assert bool(alone) == any(atoms is one for one in kept)
        assert answer(reasons_against, atoms) is not None and answer(implausible, atoms) is not None
    for atoms in kept:
        assert np.isfinite(atoms.positions).all() and len(atoms)


@cases(60)
def test_any_value_of_a_flag_is_taken_or_refused_in_a_line(seed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(seed)
    program = chance.pick(rng, list(command_lines.PROGRAMS))
    words = command_lines.command_line(rng, command_lines.PROGRAMS[program])
    words = [
        f"{word.partition('=')[0]}={chance.text(rng, 5)}" if "=" in word else word for word in words
    ]
    with in_time():
        outcome = command_lines.outcome(program, words)
    assert outcome in ("refused", "accepted", "help"), words
    assert not os.listdir(tmp_path)
