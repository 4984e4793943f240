"""The rediscovery benchmark in a tiny setting: ideal and relaxed slabs, two steps, six draws."""

import json

import ase.io
import numpy as np
import pytest

from experiments.rediscovery import __main__ as rediscovery
from experiments.rediscovery import hits, ways
from keras_ruo2.io.paths import BUNDLED_STRUCTURES

TERMINATION = "110-O-rich"


@pytest.fixture(scope="module")
def slabs(tmp_path_factory):
    """A file of the bundled slabs of three facets that show their termination as it is."""
    found = [
        atoms
        for atoms in ase.io.read(BUNDLED_STRUCTURES, ":")
        if atoms.info["variation"] in hits.SHOWN_BY
        and atoms.info["facet"] in ("(001)", "(100)", "(110)")
    ]
    path = tmp_path_factory.mktemp("slabs") / "slabs.extxyz"
    ase.io.write(path, found)
    return path


@pytest.fixture(scope="module")
def measured(slabs, tmp_path_factory):
    """The results file of one termination, and the words that it was measured with."""
    out = tmp_path_factory.mktemp("out") / "results.jsonl"
    words = ["--draws=6", "--steps=2", "--relaxations=0", f"--only={TERMINATION}", f"--out={out}"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rediscovery, "SLABS", slabs)
        rediscovery.main(words)
    return out, words


def test_every_way_draws_as_often_and_is_written(measured):
    out, _ = measured
    (line,) = out.read_text().splitlines()
    row = json.loads(line)
    assert row["termination"] == TERMINATION and row["draws"] == 6 and row["steps"] == 2
    assert row["left_out"] >= 2 and row["core_seconds"] > 0
    for way in ways.WAYS:
        assert set(row[way]) == {
            *("first", "hits", "rank", "valid", "like", "relaxed", "after", "tried")
        }
        assert row[way]["tried"] >= 6 and 0 <= row[way]["valid"] <= 1
        assert 0 <= row[way]["hits"] <= row[way]["like"] <= 6 and not row[way]["relaxed"]
    assert max(row["untrained"]["valid"], row["trained"]["valid"]) > 0.5


def test_what_is_measured_is_not_measured_again(measured, slabs, monkeypatch, capsys):
    out, words = measured
    before = out.read_text()
    monkeypatch.setattr(rediscovery, "SLABS", slabs)
    monkeypatch.setattr(rediscovery, "measure", None)
    rediscovery.main(words)
    assert out.read_text() == before
    table = capsys.readouterr().out.splitlines()
    assert any(line.startswith(f"| {TERMINATION} | ") for line in table)
    assert any(line.startswith("| found as drawn | | ") and "of 1" in line for line in table)


def test_no_slab_that_is_left_shows_the_termination(slabs):
    found, prints = hits.known(slabs)
    for target in hits.targets(found):
        left_out = hits.equal_to(target, found, prints)
        assert set(target.members) <= left_out
        shown = [prints[number] for number in target.members if prints[number]]
        left = [mark for k, mark in enumerate(prints) if mark and k not in left_out]
        assert left and not any(hits.same(mark, one) for mark in left for one in shown)


def test_a_termination_among_the_draws_is_found_with_its_rank(slabs):
    found, prints = hits.known(slabs)
    target = next(t for t in hits.targets(found) if t.name == TERMINATION)
    number = next(k for k in target.members if prints[k])
    others = [k for k in range(len(found)) if k not in hits.equal_to(target, found, prints)][:3]
    drawn = [*(found[k] for k in others), found[number], found[number]]
    scores = np.array([0.0, 5.0, 1.0, 3.0, 3.0])
    result = hits.find(ways.Drawn(drawn, scores), [prints[number]], 0)
    assert (result["first"], result["hits"], result["rank"]) == (3, 2, 2)
    assert result["like"] == 2 and result["tried"] == 5
    nothing = hits.find(ways.Drawn(drawn[:3], scores[:3]), [prints[number]], 0)
    assert (nothing["first"], nothing["hits"], nothing["rank"]) == (None, 0, None)
    assert rediscovery.tell(result) == "2 (draw 4, rank 2)" and rediscovery.tell(nothing) == "-"
    assert rediscovery.tell(nothing | {"after": 4}) == "relaxed (draw 5)"


def test_a_draw_that_relaxes_to_the_termination_is_found(slabs, monkeypatch):
    found, prints = hits.known(slabs)
    number = next(k for k, atoms in enumerate(found) if prints[k] and len(atoms) < 20)
    stretched = found[number].copy()
    lowest = np.argmin(stretched.positions[:, 2])
    stretched.positions[lowest, 2] -= 0.3
    monkeypatch.setattr(hits, "shows", lambda atoms, wanted: atoms is found[number])
    monkeypatch.setattr(hits, "relax", lambda atoms: found[number])
    drawn = ways.Drawn([stretched, stretched])
    result = hits.find(drawn, [prints[number]], 1)
    assert (result["first"], result["after"], result["relaxed"]) == (None, 0, 1)
    assert hits.find(drawn, [prints[number]], 0)["after"] is None
