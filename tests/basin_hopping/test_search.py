import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms

from keras_ruo2.basin_hopping import search, worker
from keras_ruo2.basin_hopping.chains import COLUMNS, Chain, table_rows
from keras_ruo2.basin_hopping.history import iterate_frames, unplaced
from keras_ruo2.config.preparation import BasinHoppingConfig, RecordsConfig
from keras_ruo2.data.description import load_description
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.locks import only_user
from keras_ruo2.recipes import RECIPES
from keras_ruo2.records.build import main as write_records
from keras_ruo2.structure.layers import FROZEN
from keras_ruo2.structure.slabs import build_slab

ROOT = Path(__file__).resolve().parents[2]
FAKE = "tests.data_prep.fakes:PairPotential"
OPTIONS = {
    "start": "100-stoichiometric",
    "dmu_o": "-0.5,0.0",
    "calculator": FAKE,
    "a": 4.5,
    "c": 3.1,
    "size": 3.0,
    "relax_steps": 3,
    "steps": 3,
}


def config(folder, **values):
    return BasinHoppingConfig(out=folder / "found.extxyz", **{**OPTIONS, **values})


def files(folder):
    """The contents of everything that a search leaves, by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An uninterrupted search: two chains of three trials."""
    folder = tmp_path_factory.mktemp("whole")
    search.main(config(folder))
    return folder


def test_every_snapshot_is_kept_with_its_history(whole):
    frames = ase.io.read(whole / "found.extxyz", ":")
    worker = Counter((frame.info["chain"], frame.info["trial"]) for frame in frames)
    assert set(worker) <= {(chain, trial) for chain in range(2) for trial in range(4)}
    assert len({frame.info["name"] for frame in frames}) == len(frames)
    for frame in frames:
        info = frame.info
        assert info["dmu_o"] == (-0.5, 0.0)[info["chain"]]
        assert info["num_o"] == np.sum(frame.numbers == 8)
        assert info["num_ru"] == np.sum(frame.numbers == 44)
        expected = frame.get_potential_energy() - info["num_o"] * (
            info["oxygen_energy"] + info["dmu_o"]
        )
        assert info["grand_potential"] == pytest.approx(expected)
        assert {"start", "facet", "termination", "move", "outcome", "fmax", "calculator"} <= set(
            info
        )
        fixed = frame.constraints[0].index
        np.testing.assert_array_equal(fixed, np.flatnonzero(frame.arrays["layer"] == FROZEN))
    for chain, trial in worker:
        numbers = [
            frame.info["snapshot"]
            for frame in frames
            if (frame.info["chain"], frame.info["trial"]) == (chain, trial)
        ]
        assert numbers == list(range(len(numbers)))


def test_a_chain_goes_on_from_what_was_accepted_last(whole):
    rows = (whole / "found.chains" / "chain-000.csv").read_text().splitlines()
    assert rows[0].split(",") == list(COLUMNS) and len(rows) == 5
    accepted = [row.split(",") for row in rows[1:] if row.split(",")[2] == "accepted"]
    chain = Chain(whole / "found.chains", 0)
    assert chain.energy == pytest.approx(float(accepted[-1][3]), abs=1e-6)
    assert chain.trials == 4 and chain.accepted == len(accepted) - 1


def test_more_steps_go_on_and_end_like_a_search_that_had_them_from_the_start(whole, tmp_path):
    search.main(config(tmp_path, steps=1))
    search.main(config(tmp_path, steps=3, overwrite=True))
    assert files(tmp_path) == files(whole)


def test_a_finished_search_repeats_nothing(whole, monkeypatch):
    before = files(whole)
    monkeypatch.setattr(worker, "run_trial", None)
    monkeypatch.setattr(worker, "run_start", None)
    search.main(config(whole, overwrite=True))
    assert files(whole) == before


def test_a_trial_that_was_cut_off_is_made_again(whole, tmp_path):
    search.main(config(tmp_path, steps=2))
    chain = tmp_path / "found.chains" / "chain-001"
    for suffix in (".extxyz", ".csv"):
        with open(chain.with_suffix(suffix), "a") as file:
            file.write("12\nLattice=")
    chain.with_suffix(".json.partial").write_text("{")
    search.main(config(tmp_path, steps=3, overwrite=True))
    assert files(tmp_path) == files(whole)


def test_a_killed_search_goes_on_to_the_same_files(whole, tmp_path):
    flags = [f"--{name}={value}" for name, value in OPTIONS.items()]
    command = [sys.executable, "-m", "data_prep", "basin_hopping", f"--out={tmp_path}/found.extxyz"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command, *flags], cwd=ROOT, env=environment, stdout=subprocess.PIPE
    )
    rows = tmp_path / "found.chains" / "chain-001.csv"
    while process.poll() is None and not (rows.exists() and rows.read_text().count("\n") > 2):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "found.extxyz").exists()
    search.main(config(tmp_path))
    assert files(tmp_path) == files(whole)


def test_two_commands_cannot_work_on_the_same_chains(tmp_path):
    (tmp_path / "found.chains").mkdir()
    with only_user(tmp_path / "found.chains" / "lock"):
        with pytest.raises(ConfigError, match="Another command is working"):
            search.main(config(tmp_path))


def test_chains_are_not_continued_with_other_settings(whole):
    with pytest.raises(ConfigError, match="was begun with seed = 100, not 101"):
        search.main(config(whole, seed=101, overwrite=True))


def write_starts(path, *names):
    slabs = [build_slab(name, a=4.5, c=3.1, vacuum=8) for name in names]
    for slab, name in zip(slabs, names, strict=True):
        slab.info = {"name": name}
    ase.io.write(path, slabs)


def test_chains_are_not_continued_with_another_content_of_their_start_s_file(tmp_path):
    path = tmp_path / "starts.extxyz"
    write_starts(path, "100-stoichiometric")
    options = {"start": str(path), "dmu_o": -0.5}
    search.main(config(tmp_path, **options, steps=1))
    write_starts(path, "110-stoichiometric", "100-stoichiometric")
    before = files(tmp_path)
    with pytest.raises(ConfigError, match="another content of --start=.*starts.extxyz. Restore"):
        search.main(config(tmp_path, **options, steps=2, overwrite=True))
    assert files(tmp_path) == before
    write_starts(path, "100-stoichiometric")
    search.main(config(tmp_path, **options, steps=2, overwrite=True))


def test_a_search_from_before_starts_had_checksums_goes_on_and_gets_them(tmp_path):
    path = tmp_path / "starts.extxyz"
    write_starts(path, "100-stoichiometric")
    search.main(config(tmp_path, start=str(path), steps=1))
    settings = tmp_path / "found.chains" / "settings.json"
    known = json.loads(settings.read_text())
    settings.write_text(
        json.dumps({k: v for k, v in known.items() if k not in ("start_sha256", "seal")})
    )
    search.main(config(tmp_path, start=str(path), steps=2, overwrite=True))
    assert json.loads(settings.read_text()) == known
    assert list(known["start_sha256"]) == [str(path)]


def test_an_attempt_that_kept_no_trial_binds_nothing(whole, tmp_path):
    with pytest.raises(ConfigError, match="The calculator fails at 100-stoichiometric"):
        broken = "tests.data_prep.fakes:Broken"
        search.main(config(tmp_path, calculator=broken, oxygen_energy=-5.0, seed=7))
    search.main(config(tmp_path))
    assert files(tmp_path) == files(whole)


def test_messages_of_many_lines_stay_in_one_row(tmp_path):
    many = "tests.data_prep.fakes:ManyLines"
    options = {"calculator": many, "oxygen_energy": -5.0, "dmu_o": -0.5, "relax_steps": 0}
    search.main(config(tmp_path, **options))
    rows = table_rows(tmp_path / "found.chains" / "chain-000.csv")
    failed = [row for row in rows if row["outcome"] == "calculator_failed"]
    assert len(rows) == 4 and failed
    expected = "RuntimeError: one; two three four five six seven\\udcff"
    assert {row["error"] for row in failed} == {expected}


@pytest.mark.parametrize("end", ["\r", "\x0b", "\u2028", "\x85"])
def test_a_table_with_other_line_ends_in_a_message_is_read(whole, tmp_path, end):
    """Messages were once written as they came."""
    shutil.copytree(whole / "found.chains", tmp_path / "found.chains")
    chain = Chain(tmp_path / "found.chains", 0)
    row = dict.fromkeys(COLUMNS, "") | {"trial": 4, "move": "displace", "snapshots": 0}
    row |= {"outcome": "calculator_failed", "error": f"Error: one{end}two"}
    chain.append([], row, False, chain.atoms, chain.energy)
    rows = table_rows(chain.file(".csv"))
    assert [row["trial"] for row in rows] == list("01234") and rows[-1]["error"].endswith("two")
    assert unplaced(tmp_path / "found.chains")[0][-1] == (4, "displace", "calculator_failed")
    frames = len(list(iterate_frames(chain.file(".extxyz"))))
    assert search.count_frames(chain) == frames


def test_an_unusable_file_of_starts_is_refused_before_the_calculator_works(tmp_path, monkeypatch):
    monkeypatch.setattr(search, "find_search_references", None)
    ase.io.write(tmp_path / "bulk.extxyz", build_slab("100-O-poor", a=4.5, c=3.1, vacuum=1))
    before = files(tmp_path)
    with pytest.raises(ConfigError, match="Start bulk-0: the widest gap"):
        search.main(config(tmp_path, start=f"100-O-poor,{tmp_path}/bulk.extxyz"))
    assert files(tmp_path) == before


def test_a_start_that_trials_have_to_mend_is_told_of_once(tmp_path, capsys):
    slab = build_slab("100-stoichiometric", a=4.5, c=3.1, vacuum=12)
    top = slab.positions[slab.numbers == 44].max(axis=0)
    slab += Atoms("O2", top + [[0, 0, 1.8], [0, 0, 3.2]])
    slab.info = {"name": "peroxo"}
    ase.io.write(tmp_path / "slab.extxyz", slab)
    search.main(config(tmp_path, start=f"{tmp_path}/slab.extxyz", steps=0, relax_steps=0))
    told = "peroxo, relaxed, has clustered oxygen: trials are refused until one has mended that."
    assert capsys.readouterr().out.count(told) == 1


def test_a_file_that_lost_its_end_is_refused(whole, tmp_path):
    search.main(config(tmp_path, steps=0))
    path = tmp_path / "found.chains" / "chain-000.extxyz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ConfigError, match="bytes, .* were written"):
        search.main(config(tmp_path, steps=1, overwrite=True))


def test_chains_differ_and_do_not_depend_on_each_other(tmp_path):
    search.main(config(tmp_path, dmu_o=-0.5, chains=2))
    first, second = (
        ase.io.read(tmp_path / "found.chains" / f"chain-00{k}.extxyz", ":") for k in range(2)
    )
    assert not np.array_equal(first[-1].positions, second[-1].positions)
    alone = tmp_path / "alone"
    alone.mkdir()
    search.main(config(alone, dmu_o=-0.5, chains=1))
    name = "found.chains/chain-000.extxyz"
    assert files(alone)[name] == files(tmp_path)[name]


def test_a_calculator_that_fails_at_the_start_or_always_ends_the_search(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="The calculator fails at 100-stoichiometric"):
        broken = "tests.data_prep.fakes:Broken"
        search.main(config(tmp_path, calculator=broken, oxygen_energy=-5.0))
    with pytest.raises(ConfigError, match=r"fails at O2 \(RuntimeError: no weights\)"):
        search.main(config(tmp_path, calculator=broken))
    monkeypatch.setattr(search, "MOST_FAILURES", 2)
    undecided = {"calculator": "tests.data_prep.fakes:Undecided", "oxygen_energy": -5.0}
    fragile = config(tmp_path, exchange=0.0, length=2.0, steps=40, **undecided)
    with pytest.raises(ConfigError, match="failed in 2 trials of chain"):
        search.main(fragile)


def test_the_reference_of_oxygen_is_given_known_or_calculated(tmp_path):
    from tests.data_prep.fakes import CountsOxygen

    named = {"calculator": "other", "correction": "none"}
    chgnet = {
        "calculator": "CHGNet 0.3.0",
        "correction": "oxide correction undone: E + 0.687 eV per O",
    }
    energy = worker.oxygen_energy
    assert energy(config(tmp_path, oxygen_energy=-4.0), CountsOxygen(), chgnet) == -4.0
    assert energy(config(tmp_path), CountsOxygen(), chgnet) == -4.948
    assert energy(config(tmp_path), CountsOxygen(), named) == pytest.approx(-5.0)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"dmu_o": "-0.5,low"}, "Expected numbers in eV"),
        ({"share": 0.0}, "--share is 0.0"),
        ({"a": None}, "--a and --c belong together"),
        ({"steps": -1}, "--steps is -1"),
        ({"seed": -1}, "--seed is -1. Expected at least 0"),
        ({"calculator": "chgent"}, "Unknown calculator 'chgent'"),
    ],
)
def test_bad_values_are_refused(tmp_path, values, match):
    with pytest.raises(ConfigError, match=match):
        search.main(config(tmp_path, **values))
    assert not list(tmp_path.iterdir())


def test_the_large_dataset_gives_the_records_that_the_source_counted():
    assert 28_903 * RECIPES["basin_hopping2d"].records_per_structure == 57_806
    assert 28_903 * RECIPES["basin_hopping3d"].records_per_structure == 28_903
    assert RECIPES["basin_hopping2d"].positions == (10,)


@pytest.mark.parametrize(("recipe", "each"), [("basin_hopping2d", 2), ("basin_hopping3d", 1)])
def test_snapshots_become_records_with_their_chemical_potential(tmp_path, recipe, each):
    found = tmp_path / "found.extxyz"
    search.main(config(tmp_path, steps=1))
    frames = ase.io.read(found, ":")
    out = tmp_path / recipe
    write_records(RecordsConfig(structures=found, recipe=recipe, out=out, num_voxels=8))
    description = load_description(out)
    assert sum(description.counts.values()) == each * len(frames)
    assert {value for value, _ in description.dmu_o_counts} == {-0.5, 0.0}
    lengths = frames[0].cell.lengths()
    np.testing.assert_allclose(description.lattice_maximum[-1], lengths[2], atol=1e-5)
