import ase.io
import numpy as np
import pytest

from keras_ruo2.discovery import outputs
from keras_ruo2.discovery.outputs import (
    ELECTRONS,
    IONS,
    OUTPUTS,
    UNFINISHED,
    output_in,
    read_output,
)
from keras_ruo2.errors import ConfigError
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.slabs import build_slab
from tests.discovery.dft_files import espresso, outcar, vasprun

ENERGY = -123.4567
WRITERS = {"vasprun.xml": vasprun, "OUTCAR": outcar, "slab.pwo": espresso, "pw.out": espresso}


@pytest.fixture
def slab():
    made = build_slab("110-stoichiometric", a=4.5, c=3.1)
    return made[np.argsort(made.symbols, kind="stable")]


@pytest.mark.parametrize("name", WRITERS)
def test_outputs_give_their_structure_and_energy(slab, tmp_path, name):
    WRITERS[name](tmp_path / name, slab, ENERGY)
    assert output_in(tmp_path).name == name
    atoms, flaws = read_output(tmp_path / name)
    assert flaws == ()
    assert atoms.get_potential_energy() == pytest.approx(ENERGY, abs=1e-4)  # of Ry
    assert atoms.get_chemical_formula() == slab.get_chemical_formula()
    np.testing.assert_allclose(atoms.cell.array, slab.cell.array, atol=1e-3)
    apart = atoms.get_scaled_positions() - slab.get_scaled_positions()
    np.testing.assert_allclose(apart - np.round(apart), 0, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "options", "flaws"),
    [
        ("vasprun.xml", {"scf_steps": 8, "nelm": 8}, (ELECTRONS,)),
        ("vasprun.xml", {"nsw": 3, "ionic_steps": 3}, (IONS,)),
        ("vasprun.xml", {"nsw": 3, "ionic_steps": 2}, ()),
        ("OUTCAR", {"converged": False}, (ELECTRONS,)),
        ("OUTCAR", {"nsw": 9}, (IONS,)),
        ("OUTCAR", {"nsw": 9, "arrived": True}, ()),
        ("OUTCAR", {"ended": False}, (UNFINISHED,)),
        ("slab.pwo", {"ended": False}, (UNFINISHED,)),
    ],
)
def test_runs_that_did_not_converge_are_known_by_what_they_say(
    slab, tmp_path, name, options, flaws
):
    WRITERS[name](tmp_path / name, slab, ENERGY, **options)
    assert read_output(tmp_path / name)[1] == flaws


def test_a_run_that_was_killed_has_the_energy_of_its_last_whole_step(slab, tmp_path):
    vasprun(tmp_path / "vasprun.xml", slab, ENERGY, nsw=9, ionic_steps=2)
    whole = (tmp_path / "vasprun.xml").read_text()
    cut = whole.rindex("<calculation>") + 200
    vasprun(tmp_path / "vasprun.xml", slab, ENERGY, nsw=9, ionic_steps=2, cut=cut)
    atoms, flaws = read_output(tmp_path / "vasprun.xml")
    assert atoms.get_potential_energy() == pytest.approx(ENERGY)
    assert flaws == (UNFINISHED,)


def test_without_converged_electrons_there_is_no_structure(slab, tmp_path):
    espresso(tmp_path / "slab.pwo", slab, ENERGY, converged=False)
    assert read_output(tmp_path / "slab.pwo") == (None, (ELECTRONS,))
    (tmp_path / "b.out").write_text("nothing of the kind")
    with pytest.raises(ConfigError, match="holds no energy that ASE can read"):
        read_output(tmp_path / "b.out")


def test_the_first_kind_counts_where_there_are_several(slab, tmp_path):
    ase.io.write(tmp_path / "a.extxyz", with_energy(slab.copy(), -1.0))
    outcar(tmp_path / "OUTCAR", slab, ENERGY)
    assert output_in(tmp_path).name == "OUTCAR"
    assert read_output(tmp_path / "a.extxyz")[1] == ()
    assert output_in(tmp_path / "nothing") is None and len(OUTPUTS) == 6


def test_sentences_of_fhi_aims_are_known():
    started = "Invoking FHI-aims ...\n"
    done = started + "Self-consistency cycle converged.\n"
    end = "Have a nice day.\n"
    assert outputs.flaws_of_text(done + end, outputs.TEXTS[1]) == ()
    assert outputs.flaws_of_text(done, outputs.TEXTS[1]) == (UNFINISHED,)
    assert outputs.flaws_of_text(started + end, outputs.TEXTS[1]) == (ELECTRONS,)
    moving = done + "Geometry relaxation: BFGS\n"
    assert outputs.flaws_of_text(moving + end, outputs.TEXTS[1]) == (IONS,)
    arrived = moving + "Present geometry is converged.\n"
    assert outputs.flaws_of_text(arrived + end, outputs.TEXTS[1]) == ()
