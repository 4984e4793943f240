import csv
import json

import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write

pytest.importorskip("dscribe")
pytest.importorskip("pymatgen.core")

from keras_ruo2.config import ScreenConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.screening import screening
from keras_ruo2.screening.batch import main as screen
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.structure.variations import add_on_top, add_peroxo, float_oxygen


@pytest.fixture
def file(slab, rng, tmp_path):
    """Known, new, the same new one lower in energy, two broken ones and an empty frame."""
    new = add_on_top(build_slab("100-stoichiometric", a=4.5, c=3.1), rng)
    again = new.repeat((1, 2, 1))
    again.rotate(180, "x", rotate_cell=True)
    again.positions += rng.normal(scale=0.03, size=again.positions.shape)
    frames = [
        slab.repeat((2, 1, 1)),
        with_energy(new, -6.0 * len(new)),
        with_energy(again, -7.0 * len(again)),
        float_oxygen(slab, rng),
        Atoms(cell=np.eye(3) * 9, pbc=True, info={"failures": "empty"}),
        add_peroxo(slab, rng),
    ]
    write(tmp_path / "in.extxyz", frames)
    slab.info["name"] = "the known one"
    write(tmp_path / "known.extxyz", [Atoms("O2", np.eye(3)[:2], cell=[9, 9, 9]), slab])
    return tmp_path / "in.extxyz"


def table_of(file):
    return list(csv.DictReader(file.with_name("out.csv").read_text().splitlines()))


def config(file, **options):
    options = {"known": file.with_name("known.extxyz")} | options
    return ScreenConfig(structures=file, out=file.with_name("out.extxyz"), **options)


def test_known_slabs_may_lie_in_several_files(file, tmp_path):
    (tmp_path / "known").mkdir()
    for number, atoms in enumerate(read(tmp_path / "known.extxyz", ":")):
        write(tmp_path / "known" / f"{number}.extxyz", atoms)
    screen(config(file))
    table = table_of(file)
    screen(config(file, known=tmp_path / "known", overwrite=True))
    assert table_of(file) == table


def test_everything_comes_back_in_order_with_what_was_found(file, capsys):
    screen(config(file))
    start, found = (read(path, ":") for path in (file, file.with_name("out.extxyz")))
    assert [len(atoms) for atoms in found] == [len(atoms) for atoms in start]
    told = [atoms.info for atoms in found]
    assert [info["valid"] for info in told] == [True, True, True, False, False, False]
    assert [info["reasons"] for info in told[3:]] == [
        "floating_oxygen",
        "no_atoms",
        "peroxo_groups",
    ]
    assert [info["unique_of"] for info in told] == [0, 2, 2, -1, -1, -1]
    assert [info["novel"] for info in told] == [False, True, True, False, False, False]
    assert [info["matched"] for info in told[:2]] == ["the known one", "no"]
    assert told[0]["matched_index"] == 1 and told[0]["kernel"] > 0.999
    assert told[1]["nearest"] == "the known one"
    assert (told[0]["facet"], told[0]["termination"]) == ("(110)", "O_bridge + Ru_cus")
    assert told[4]["failures"] == "empty"
    assert found[1].get_potential_energy() == start[1].get_potential_energy()
    rows = table_of(file)
    assert len(rows) == 6 and rows[3]["facet"] == "" and rows[1]["upper_face"]
    printed = capsys.readouterr().out
    assert "6/6" in printed and "6 of 6 structures written" in printed


def test_the_funnel_counts_what_is_left(file):
    screen(config(file))
    steps = json.loads(file.with_name("out.json").read_text())["funnel"]
    counts = {step["step"]: (step["failed"], step["left"]) for step in steps}
    assert counts["structures"] == (0, 6)
    assert counts["no_atoms"] == (1, 5)
    assert counts["peroxo_groups"] == (1, 4)
    assert counts["floating_oxygen"] == (1, 3)
    assert counts["duplicate"] == (1, 2)
    assert counts["known"] == (1, 1)


@pytest.mark.parametrize(("only", "count"), [("valid", 3), ("unique", 2), ("novel", 1)])
def test_a_part_is_written_if_it_is_asked_for(file, only, count):
    screen(config(file, only=only))
    found = read(file.with_name("out.extxyz"), ":")
    assert len(found) == count and all(atoms.info["valid"] for atoms in found)
    assert len(table_of(file)) == 6


def test_reasons_may_be_accepted(file):
    screen(config(file, accept="peroxo_groups"))
    last = read(file.with_name("out.extxyz"), -1)
    assert last.info["valid"] and last.info["reasons"] == "peroxo_groups"
    assert "O-O" in last.info["upper_face"]


def test_what_came_with_a_structure_is_kept(file):
    frames = read(file, ":")
    frames[0].info |= {"name": "mine", "facet": "my facet", "termination": "my words"}
    write(file, frames)
    screen(config(file))
    info = read(file.with_name("out.extxyz"), 0).info
    assert (info["name"], info["facet"], info["termination"]) == ("mine", "my facet", "my words")
    assert info["recognised_facet"] == "(110)"


def test_what_an_earlier_screening_said_is_forgotten(tmp_path, rng):
    rich = build_slab("110-O-rich", a=4.5, c=3.1)
    named = rich.copy()
    named.info["facet"] = "mine"
    write(tmp_path / "in.extxyz", [rich, named])
    write(tmp_path / "known.extxyz", build_slab("110-O-poor", a=4.5, c=3.1))
    screen(config(tmp_path / "in.extxyz"))
    first = read(tmp_path / "out.extxyz", ":")
    assert [atoms.info["labelled"] for atoms in first] == ["facet termination", "termination"]
    first[0] = without_outermost_oxygen(first[0])
    first[1] = float_oxygen(first[1], rng)
    write(tmp_path / "in.extxyz", first)
    screen(config(tmp_path / "in.extxyz", overwrite=True))
    again = read(tmp_path / "out.extxyz", ":")
    assert again[0].info["termination"] == again[0].info["upper_face"] == "O_bridge + Ru_cus"
    left = set(again[1].info) & {"upper_face", "nearest", "termination", "neighbours", "labelled"}
    assert again[1].info["facet"] == "mine" and not left


def without_outermost_oxygen(slab):
    """The slab without its highest and its lowest O."""
    height = np.where(slab.numbers == 8, slab.positions[:, 2], np.nan)
    del slab[[int(np.nanargmax(height)), int(np.nanargmin(height))]]
    return slab


def test_a_file_with_nothing_valid_is_no_error(file):
    write(file, read(file, ":")[3:5])
    screen(config(file))
    assert [atoms.info["valid"] for atoms in read(file.with_name("out.extxyz"), ":")] == [False] * 2


def test_bad_input_is_refused_before_anything_is_written(file, monkeypatch):
    for message, options in (
        ("no such file", {"known": file.with_name("none")}),
        ("Unknown only 'new'", {"only": "new"}),
        ("Unknown accept 'peroxo'. .* Did you mean 'peroxo_groups'", {"accept": "peroxo"}),
    ):
        with pytest.raises(ConfigError, match=message):
            screen(config(file, **options))
    monkeypatch.setattr(screening.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="needs dscribe and pymatgen"):
        screen(config(file))
    assert not file.with_name("out.extxyz").exists()
    file.with_name("out.extxyz").write_text("")
    with pytest.raises(ConfigError, match="exists"):
        config(file)
