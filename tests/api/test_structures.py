"""Functions of the API on structures."""

import doctest

import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator

import keras_ruo2 as kr
from keras_ruo2.api import files, structures
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.structure.bonds import is_metal
from keras_ruo2.structure.crystals import rutile_ruo2
from tests.fakes import Morse


@pytest.fixture(scope="module")
def slabs():
    return [slab for slab in kr.read(BUNDLED_STRUCTURES) if slab.info["facet"] == "(110)"]


def test_the_examples_of_the_docstrings_hold():
    for module in (files, structures):
        assert doctest.testmod(module).failed == 0


def test_what_is_voxelised_is_found_again(slabs):
    grid, lengths = kr.voxelise(slabs[0], (32, 32, 64))
    found = kr.backmap(grid, lengths)
    assert grid.shape == (32, 32, 64, 2) and grid.dtype == np.float32
    assert len(found) == len(slabs[0]) and is_metal(found).sum() == is_metal(slabs[0]).sum()
    np.testing.assert_allclose(lengths, slabs[0].cell.lengths(), atol=1e-6)


def test_written_structures_are_read_again(slabs, tmp_path):
    kr.write(tmp_path / "slabs.extxyz", slabs[:3])
    assert [slab.info for slab in kr.read(tmp_path / "slabs.extxyz")] == [
        slab.info for slab in slabs[:3]
    ]


def test_relax_takes_a_calculator_or_its_name():
    atoms = rutile_ruo2()
    by_object = kr.relax([atoms], Morse(), steps=2)
    by_name = kr.relax([atoms], "tests.fakes:Morse", steps=2)
    assert by_object[0].get_potential_energy() == by_name[0].get_potential_energy()
    assert by_object[0].info["calculator"] == "Morse"
    assert by_name[0].info["calculator"] == "tests.fakes:Morse"
    assert by_name[0].info["relaxation_steps"] <= 2 and atoms.calc is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"calculator": "nonsense"}, "Unknown calculator 'nonsense'"),
        ({"calculator": "tests.fakes:Morse", "optimiser": "steepest"}, "steepest"),
        ({"calculator": "tests.fakes:Morse", "fmax": 0}, "fmax"),
    ],
)
def test_relax_refuses_what_it_does_not_know(settings, message):
    with pytest.raises(ConfigError, match=message):
        kr.relax([rutile_ruo2()], **settings)


def test_a_known_slab_is_valid_and_not_novel(slabs):
    pytest.importorskip("dscribe")
    pytest.importorskip("pymatgen")
    whole = next(slab for slab in slabs if slab.info["broken"] == "no")
    verdicts = kr.screen([whole, whole], known=[whole])
    assert [verdict.valid for verdict in verdicts] == [True, True]
    assert [verdict.unique for verdict in verdicts] == [True, False]
    assert not verdicts[0].novel


def test_screen_refuses_reasons_that_it_does_not_know(slabs):
    pytest.importorskip("dscribe")
    pytest.importorskip("pymatgen")
    with pytest.raises(ConfigError, match="peroxo"):
        kr.screen(slabs[:1], accept=["peroxo"])


def test_a_phase_diagram_says_what_the_command_writes(slabs, tmp_path):
    from keras_ruo2.config import PhaseDiagramConfig
    from keras_ruo2.thermodynamics.phase_diagram import main

    diagram = kr.phase_diagram(slabs)
    kr.write(tmp_path / "slabs.extxyz", slabs)
    main(PhaseDiagramConfig(structures=tmp_path / "slabs.extxyz", out=tmp_path / "out"))
    written = [atoms.info["name"] for atoms in kr.read(tmp_path / "out" / "stable.extxyz")]
    assert sorted(row.name for row in diagram.stable["(110)"]) == sorted(written)
    for before, after in zip(diagram.stable["(110)"], diagram.stable["(110)"][1:], strict=False):
        assert before.stable[1] == after.stable[0]
    assert diagram.stable["(110)"][0].stable[0] == diagram.limits[0]
    assert diagram.stable["(110)"][-1].stable[1] == diagram.limits[1] == 0


def test_rows_of_a_phase_diagram_do_not_change(slabs):
    row = kr.phase_diagram(slabs).rows[0]
    with pytest.raises(AttributeError):
        row.stable = None


def test_a_phase_diagram_draws_itself(slabs, tmp_path):
    figure = kr.phase_diagram(slabs).plot(tmp_path / "diagram.png")
    assert (tmp_path / "diagram.png").stat().st_size > 10_000
    assert figure.axes


def test_slabs_come_back_from_a_phase_diagram_as_they_were(slabs):
    before = [dict(slab.info) for slab in slabs]
    kr.phase_diagram(slabs)
    assert [slab.info for slab in slabs] == before


def test_slabs_of_an_unknown_calculator_need_references(slabs):
    slab = slabs[0].copy()
    slab.calc = SinglePointCalculator(slab, energy=-100.0)
    slab.info["calculator"] = "mine"
    with pytest.raises(ConfigError, match="Give references="):
        kr.phase_diagram([slab])


def damaged(slab, name):
    """Return a slab with a fault."""
    faulty = slab.copy()
    if name == "infinite":
        faulty.positions[0, 0] = np.inf
    elif name == "huge cell":
        faulty.cell[0] *= 1e8
    elif name == "on top of each other":
        faulty.positions[1] = faulty.positions[0]
    elif name == "empty":
        return faulty[:0]
    energy = 1e308 if name == "energy" else slab.get_potential_energy()
    faulty.calc = SinglePointCalculator(faulty, energy=energy)
    return faulty


FAULTS = ("infinite", "huge cell", "on top of each other", "empty", "energy")


@pytest.mark.parametrize("name", FAULTS)
def test_what_cannot_be_a_structure_is_refused_by_its_number(slabs, name):
    given = [*slabs[:2], damaged(slabs[2], name)]
    with pytest.raises(ConfigError, match=r"slabs, structure 2 .*skip_damaged=True"):
        kr.phase_diagram(given)
    if name != "energy":
        with pytest.raises(ConfigError):
            kr.voxelise(given[2], (8, 8, 8))
        (verdict,) = kr.screen([given[2]], slabs[:1])
        assert not verdict.valid
        (relaxed,) = kr.relax([given[2]], Morse(), steps=1)
        assert relaxed.info["relax_failures"] not in ("no", "not_converged")


def test_damaged_slabs_are_left_out_where_that_is_asked_for(slabs, capsys):
    given = [*slabs[:2], damaged(slabs[2], "huge cell")]
    assert len(kr.phase_diagram(given, skip_damaged=True).rows) == len(
        kr.phase_diagram(slabs[:2]).rows
    )
    assert "slabs: skipped 1 structures" in capsys.readouterr().err


def test_every_function_takes_structures_of_pymatgen(slabs, tmp_path):
    pytest.importorskip("pymatgen.core")
    for kind in (False, True):
        given = kr.to_pymatgen(slabs[:2], slabs=kind)
        grid, lengths = kr.voxelise(given[0], (16, 16, 32))
        own_grid, own_lengths = kr.voxelise(slabs[0], (16, 16, 32))
        np.testing.assert_allclose(grid, own_grid, atol=1e-5)
        np.testing.assert_allclose(lengths, own_lengths)
        assert [v.valid for v in kr.screen(given, given)] == [True, True]
        assert kr.screen(given, given)[0].equals_known
        mine, theirs = kr.phase_diagram(slabs[:2]).rows, kr.phase_diagram(given).rows
        for own, other in zip(mine, theirs, strict=True):
            assert (other.name, other.label, other.faces) == (own.name, own.label, own.faces)
            assert other.line == pytest.approx(own.line)
        kr.write(tmp_path / "slabs.extxyz", given)
        again = kr.read(tmp_path / "slabs.extxyz")
        np.testing.assert_allclose(again[1].positions, slabs[1].positions, atol=1e-7)
        assert again[0].info["facet"] == "(110)"
        assert len(kr.relax(given[:1], Morse(), steps=1)[0]) == len(slabs[0])


def test_what_is_no_structure_is_refused():
    with pytest.raises(ConfigError, match="Expected ase.Atoms or a pymatgen Structure"):
        kr.voxelise("slab.extxyz")
