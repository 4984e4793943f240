import pytest

from keras_ruo2.config import BackmapConfig, PhaseDiagramConfig, ScreenConfig
from keras_ruo2.config.preparation import BasinHoppingConfig, GapConfig, RecordsConfig, TableConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.species import (
    SPECIES,
    assumption_note,
    check_oxide,
    check_rutile,
    renamed,
    species_in,
)


def test_a_pair_is_the_metal_and_the_anion():
    assert species_in("Ru,O") == SPECIES
    assert species_in("Ir, O") == ("Ir", "O")
    assert species_in("Si,C") == ("Si", "C")  # carbon is the more electronegative one
    assert species_in("Ni,Pt") == ("Ni", "Pt")  # two metals: any order


@pytest.mark.parametrize("text", ["Ir", "Ir,O,H", "Xx,O", "O,O", "", "Ir;O", "ir,o", "X,O"])
def test_what_is_no_pair_is_refused(text):
    with pytest.raises(ConfigError, match="expected two elements"):
        species_in(text)


@pytest.mark.parametrize("text, right", [("O,Ru", "Ru,O"), ("C,Si", "Si,C"), ("O,Si", "Si,O")])
def test_a_pair_the_wrong_way_round_is_told_the_right_one(text, right):
    with pytest.raises(ConfigError, match=f"Say --species={right}"):
        species_in(text)


def test_what_is_about_rutile_or_oxygen_refuses_other_pairs():
    check_rutile(("Mg", "F"), "slabs are cut out of")
    with pytest.raises(ConfigError, match="Ti,N: slabs are cut out of rutile crystals"):
        check_rutile(("Ti", "N"), "slabs are cut out of")
    with pytest.raises(ConfigError, match="Mg,F: the search exchanges .* oxygen gas"):
        check_oxide(("Mg", "F"), "the search exchanges oxygen with")


def test_every_flag_is_checked_before_anything_is_done(tmp_path, structures):
    files = {"structures": structures, "out": tmp_path / "out.extxyz"}
    commands = (
        lambda: ScreenConfig(**files, species="Ti,N"),
        lambda: TableConfig(structures=structures, species="Ti,N"),
        lambda: GapConfig(out=files["out"], species="Ti,N"),
        lambda: BasinHoppingConfig(out=files["out"], steps=1, species="Mg,F"),
        lambda: PhaseDiagramConfig(structures=structures, out=tmp_path, species="Mg,F"),
        lambda: RecordsConfig(structures=structures, species="Ru"),
        lambda: BackmapConfig(samples=structures, out=files["out"], species="N,Ti"),
    )
    for command in commands:
        with pytest.raises(ConfigError, match="--species="):
            command()


def test_texts_take_the_names_of_the_pair():
    text = "Ru to nearest O, RuO₂'s limits, O2 and O₂ stay, as do 110-O-rich-Ru5O14 and Ru_cus"
    assert renamed(text, SPECIES) == text
    told = renamed("Ru to nearest O, RuO₂, RuO$_2$, RuO2; O₂ and Ru5O14 stay", ("Ti", "N"))
    assert told == "Ti to nearest N, TiN₂, TiN$_2$, TiN2; O₂ and Ru5O14 stay"


def test_what_is_assumed_of_another_oxide_is_said(capsys):
    assumption_note(SPECIES)
    assert capsys.readouterr().out == ""
    assumption_note(("Ir", "O"))
    assert "IrO2 is taken as a rutile crystal" in capsys.readouterr().out
