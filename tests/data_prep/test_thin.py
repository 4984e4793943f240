import ase.io
import numpy as np
import pytest

from data_prep import thin
from keras_ruo2.basin_hopping import search
from keras_ruo2.basin_hopping.history import iterate_frames, iterate_trials
from keras_ruo2.basin_hopping.thinning import (
    FAR_ABOVE,
    NEXT_TO_ANOTHER,
    REPEATED_START,
    SEEN_BEFORE,
    Kept,
    Thinning,
    choose_evenly,
    even_shares,
    far_apart,
    same_places,
)
from keras_ruo2.config.preparation import BasinHoppingConfig, RecordsConfig
from keras_ruo2.config.search import ThinConfig
from keras_ruo2.data.description import load_description
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.structures import read_structures
from keras_ruo2.records.build import main as write_records

SMALL_STEP = 0.01  # Å


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A search of four chains of two starts with a fake potential."""
    folder = tmp_path_factory.mktemp("searched")
    config = BasinHoppingConfig(
        out=folder / "found.extxyz",
        steps=4,
        start="100-stoichiometric,110-stoichiometric",
        dmu_o="-0.5,0.0",
        calculator="tests.data_prep.fakes:PairPotential",
        a=4.5,
        c=3.1,
        size=3.0,
        relax_steps=8,
    )
    search.main(config)
    return folder / "found.extxyz"


def names_in(path):
    return [atoms.info["name"] for atoms in read_structures(path)]


def test_what_is_kept_obeys_the_rules(searched):
    rules = Thinning(limit=0.2, least=0.05)
    trials = {trial[0].trial: trial for trial in iterate_trials(searched)}
    kept = {name: rules.keep(trial) for name, trial in trials.items()}
    total = sum(map(len, trials.values()))
    assert total - sum(map(len, kept.values())) == rules.dropped.total()
    assert not kept[1, 0] and not kept[3, 0], "the chains of another dmu_O repeat their starts"
    assert rules.dropped[REPEATED_START] == len(trials[1, 0]) + len(trials[3, 0])
    assert rules.dropped[FAR_ABOVE] and rules.dropped[NEXT_TO_ANOTHER]
    for name, found in kept.items():
        frames = {frame.info["snapshot"]: frame for frame in trials[name]}
        lowest = min(frame.energy_per_atom for frame in trials[name])
        chosen = [frames[row.name[2]] for row in found]
        assert all(frame.energy_per_atom - lowest <= 0.2 for frame in chosen)
        for first, second in zip(chosen, chosen[1:], strict=False):
            moved = first.atoms.positions - second.atoms.positions
            assert np.linalg.norm(moved, axis=1).max() >= 0.05


def test_the_end_of_a_relaxation_is_kept_and_its_small_steps_are_not(slab):
    line = []
    for step in range(10):  # the top atom comes down, by less and less
        atoms = slab.copy()
        atoms.positions[-1, 2] += SMALL_STEP * (9 - step) ** 2
        line.append(atoms)
    chosen = far_apart(line, least=0.05)
    heights = [line[k].positions[-1, 2] for k in chosen]
    assert chosen[-1] == 9 and chosen[0] == 0
    assert np.abs(np.diff(heights)).min() >= 0.05
    assert far_apart(line, least=0) == list(range(10))


def test_a_wrapped_atom_has_not_moved(slab):
    other = slab.copy()
    other.positions[3] += slab.cell[0] - slab.cell[1]
    assert far_apart([slab, other], least=0.01) == [1]


def test_one_structure_in_another_order_is_one_structure(slab, rng):
    other = slab[rng.permutation(len(slab))]
    other.positions += slab.cell[0]
    assert same_places(slab, other, 0.01)
    other.positions[0, 2] += 0.02
    assert not same_places(slab, other, 0.01)


def test_a_structure_that_another_trial_found_is_dropped(searched):
    rules = Thinning(limit=1.0, least=0.05)
    (trial,) = [trial for trial in iterate_trials(searched) if trial[0].trial == (0, 1)]
    first = rules.keep(trial)
    again = [frame._replace(info={**frame.info, "chain": 7, "dmu_o": 0.0}) for frame in trial]
    assert first and not rules.keep(again)
    assert rules.dropped[SEEN_BEFORE] == len(first)


@pytest.mark.parametrize("total", [0, 1, 7, 20, 33])
def test_shares_are_equal_but_for_groups_that_have_less(total):
    sizes = [3, 20, 0, 10]
    shares = even_shares(sizes, total)
    assert sum(shares) == total
    full = [share for share, size in zip(shares, sizes, strict=True) if share < size]
    assert max(full, default=0) - min(full, default=0) <= 1
    assert all(share <= size for share, size in zip(shares, sizes, strict=True))


def test_a_count_is_spread_over_chains_moves_and_energies():
    found = [
        Kept((chain, trial, 0), "insert" if trial == 0 else "displace", 0.001 * (trial % 100))
        for chain in range(3)
        for trial in range(100 * (chain + 1))
    ]
    chosen = choose_evenly(found, 30, limit=0.1)
    assert len(chosen) == 30 and chosen <= {kept.name for kept in found}
    for chain in range(3):
        mine = [kept for kept in found if kept.name in chosen and kept.name[0] == chain]
        assert len(mine) == 10
        assert sum(kept.move == "insert" for kept in mine) == 1
        levels = np.histogram([kept.above for kept in mine], 5, (0, 0.1))[0]
        assert levels.min() >= 1
    assert choose_evenly(found, 10_000, limit=0.1) == {kept.name for kept in found}


@pytest.mark.parametrize("out", ["thin", "thin.extxyz", "thin.extxyz.gz", "thin.extxyz.xz"])
def test_what_is_written_is_what_was_found(searched, tmp_path, out):
    thin.main(ThinConfig(structures=searched, out=tmp_path / out))
    before = {frame.info["name"]: frame for frame in iterate_frames(searched)}
    after = read_structures(tmp_path / out)
    assert 4 <= len(after) < len(before)
    for atoms in after:
        frame = before[atoms.info["name"]]
        original = frame.atoms
        assert atoms.get_potential_energy() == pytest.approx(frame.energy, abs=1e-5)
        np.testing.assert_array_equal(atoms.numbers, original.numbers)
        np.testing.assert_array_equal(atoms.arrays["layer"], original.arrays["layer"])
        np.testing.assert_allclose(atoms.positions, original.positions, atol=0.5001e-4)
        np.testing.assert_allclose(atoms.cell, original.cell, rtol=1e-8)
        assert atoms.pbc.all()
        assert atoms.info == {key: frame.info[key] for key in atoms.info}
        assert set(frame.info) - set(atoms.info) == {"num_ru", "num_o", "grand_potential"}
    again = {frame.info["name"]: frame for frame in iterate_frames(tmp_path / out)}
    for name, frame in again.items():
        assert frame.grand_potential == pytest.approx(before[name].grand_potential, abs=1e-4)


def test_thinning_twice_gives_the_same_bytes(searched, tmp_path):
    for name in ("one", "other"):
        config = ThinConfig(structures=searched, out=tmp_path / name, count=20)
        thin.main(config)
    (one,), (other,) = ((tmp_path / name).iterdir() for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()
    assert len(names_in(tmp_path / "one")) == 20


def test_parts_stay_below_their_size_and_hold_everything_once(searched, tmp_path):
    thin.main(ThinConfig(structures=searched, out=tmp_path / "one"))
    thin.main(ThinConfig(structures=searched, out=tmp_path / "parts", part_size=0.004))
    parts = sorted((tmp_path / "parts").iterdir())
    assert len(parts) > 1 and max(part.stat().st_size for part in parts) <= 4_000
    assert names_in(tmp_path / "parts") == names_in(tmp_path / "one")
    assert sum(len(ase.io.read(part, ":")) for part in parts) == len(names_in(tmp_path / "one"))


def test_chains_and_the_joined_file_are_thinned_alike(searched, tmp_path):
    chains = searched.with_suffix(".chains")
    for name, source in (("joined", searched), ("chains", chains)):
        thin.main(ThinConfig(structures=source, out=tmp_path / name))
    assert names_in(tmp_path / "joined") == names_in(tmp_path / "chains")


def test_an_existing_output_is_kept_unless_told_otherwise(searched, tmp_path):
    config = {"structures": searched, "out": tmp_path / "thin"}
    thin.main(ThinConfig(**config))
    with pytest.raises(ConfigError, match="exists. Choose another or add --overwrite"):
        thin.main(ThinConfig(**config))
    thin.main(ThinConfig(**config, count=5, overwrite=True))
    assert len(names_in(tmp_path / "thin")) == 5
    (tmp_path / "thin" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="holds other things"):
        thin.main(ThinConfig(**config, overwrite=True))


@pytest.mark.parametrize("out", ["thin.xyz", "thin.db", "thin.xz"])
def test_an_output_of_another_format_is_refused(searched, tmp_path, out):
    with pytest.raises(ConfigError, match="must be a folder, or end in .extxyz"):
        ThinConfig(structures=searched, out=tmp_path / out)


def test_an_output_among_what_is_read_is_refused(searched):
    chains = searched.with_suffix(".chains")
    with pytest.raises(ConfigError, match="would be among --structures"):
        ThinConfig(structures=chains, out=chains / "thin.extxyz")


def test_two_searches_are_not_thinned_as_one(searched, tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.extxyz").write_bytes(searched.read_bytes())
    with pytest.raises(ConfigError, match="is in .*a.extxyz and again in .*b.extxyz"):
        thin.main(ThinConfig(structures=tmp_path, out=tmp_path.parent / "thin"))


def test_a_thinned_set_in_parts_becomes_records(searched, tmp_path):
    thin.main(ThinConfig(structures=searched, out=tmp_path / "parts", part_size=0.004))
    config = RecordsConfig(
        structures=tmp_path / "parts",
        recipe="basin_hopping2d",
        num_voxels=8,
        out=tmp_path / "records",
    )
    write_records(config)
    description = load_description(tmp_path / "records")
    written = sum(description.structures.values(), [])
    assert sorted(written) == sorted(names_in(tmp_path / "parts"))
    assert len(description.source["sha256"]) == 64
