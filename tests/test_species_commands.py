"""Another pair of elements through every command."""

import json

import ase.io
import numpy as np
import pytest
from ase.build import bulk, surface

from data_prep import gap, references, table
from keras_ruo2.basin_hopping import search
from keras_ruo2.commands.train import main as train
from keras_ruo2.config import (
    BackmapConfig,
    DiscoverConfig,
    GenerateConfig,
    PhaseDiagramConfig,
    TrainConfig,
)
from keras_ruo2.config.preparation import BasinHoppingConfig, GapConfig, RecordsConfig, TableConfig
from keras_ruo2.config.references import ReferencesConfig
from keras_ruo2.data.description import how_to_rebuild, load_description, read_values
from keras_ruo2.density.batch import main as backmap
from keras_ruo2.density.voxelise import voxelise
from keras_ruo2.discovery.pipeline import main as discover
from keras_ruo2.errors import ConfigError
from keras_ruo2.generation.batch import main as generate
from keras_ruo2.io.samples import load_samples
from keras_ruo2.plotting import style
from keras_ruo2.records.build import main as write_records
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.slabs import build_slab
from keras_ruo2.thermodynamics.phase_diagram import main as phase_diagram
from tests.tiny import TINY

FAKE = "tests.data_prep.fakes:PairPotential"
IRIDIUM = "Ir,O"


@pytest.fixture(scope="module")
def nitride(tmp_path_factory):
    """Four slabs of rock salt TiN with made-up energies."""
    crystal, slabs = bulk("TiN", "rocksalt", a=4.24, cubic=True), []
    for number, layers in enumerate((2, 3, 2, 3)):
        slab = surface(crystal, (1, 0, 0), layers, vacuum=6.0, periodic=True)
        slab.positions[0, 2] += 0.1 * number
        slab.info["name"] = f"TiN-{number}"
        slabs.append(with_energy(slab, -9.0 * len(slab) - number))
    path = tmp_path_factory.mktemp("nitride") / "slabs.extxyz"
    ase.io.write(path, slabs)
    return path


@pytest.fixture(scope="module")
def iridium(tmp_path_factory):
    """Slabs of RuO2 and of IrO2 with the same places and energies, a file each."""
    folder = tmp_path_factory.mktemp("iridium")
    for metal in ("Ru", "Ir"):
        slabs = []
        for name in ("110-O-poor", "110-stoichiometric", "110-O-rich", "101-stoichiometric"):
            slab = build_slab(name, a=4.5, c=3.1, species=(metal, "O"))
            slab.info = {"name": name, "facet": f"({name[:3]})", "calculator": "EMT"}
            num_metal = int((slab.symbols == metal).sum())
            energy = 1.5 - 22.0 * num_metal - 5.5 * (len(slab) - 3 * num_metal)
            slabs.append(with_energy(slab, energy))
        ase.io.write(folder / f"{metal}.extxyz", slabs)
    return folder


def test_a_nitride_is_voxelised_learned_drawn_and_mapped_back(nitride, tmp_path, capsys):
    records = tmp_path / "records"
    small = {"num_voxels": 8, "num_classes": 2, "holdout": 0.25}
    write_records(RecordsConfig(structures=nitride, species="Ti,N", out=records, **small))
    description = load_description(records)
    assert description.species == ("Ti", "N")
    assert "--species=Ti,N " in how_to_rebuild(records, read_values(records))
    run, samples = tmp_path / "run", tmp_path / "samples.npz"
    train(TrainConfig(variant="vanilla2d", records=records, run=run, **TINY))
    generate(GenerateConfig(run=run, count=3, out=samples))
    with np.load(samples) as file:
        assert file["species"].tolist() == ["Ti", "N"]
    with pytest.raises(ConfigError, match="is of Ti,N, the records are of Ru,O"):
        load_samples(samples, description.grid_shape)


def test_samples_say_what_they_are_mapped_back_to(nitride, tmp_path):
    slab, samples = ase.io.read(nitride, 0).repeat((2, 2, 1)), tmp_path / "samples.npz"
    arrays = {"grid": voxelise(slab, alpha=5.0, species=("Ti", "N"))[None]}
    arrays["lattice"] = slab.cell.lengths()[None]
    np.savez(samples, species=np.array(["Ti", "N"]), **arrays)
    backmap(BackmapConfig(samples=samples, out=tmp_path / "told.extxyz"))
    found = ase.io.read(tmp_path / "told.extxyz")
    assert found.get_chemical_formula() == slab.get_chemical_formula()
    assert found.info["residual"] < 1e-3
    with pytest.raises(ConfigError, match="is of Ti,N. Leave out --species=Ti,O"):
        backmap(BackmapConfig(samples=samples, species="Ti,O", out=tmp_path / "never.extxyz"))
    np.savez(samples, **arrays)
    for species, metal in (("Hf,N", "Hf"), (None, "Ru")):
        out = tmp_path / f"{metal}.extxyz"
        backmap(BackmapConfig(samples=samples, species=species, out=out))
        assert metal in set(ase.io.read(out).symbols)


def test_structures_of_another_pair_are_refused_and_told_the_flag(nitride, tmp_path):
    with pytest.raises(ConfigError, match="TiN-0.*channels are Ru, O. .*or give --species"):
        write_records(RecordsConfig(structures=nitride, out=tmp_path / "never"))


def test_surface_free_energies_do_not_depend_on_the_name_of_the_metal(iridium, tmp_path, capsys):
    flags = {"bulk_energy": -22.0, "oxygen_energy": -5.0, "metal_energy": -9.0, "wulff": -1.0}
    ru, ir = (iridium / f"{metal}.extxyz" for metal in ("Ru", "Ir"))
    phase_diagram(PhaseDiagramConfig(structures=ru, out=tmp_path / "Ru", **flags))
    flags["species"] = IRIDIUM
    phase_diagram(PhaseDiagramConfig(structures=ir, out=tmp_path / "Ir", **flags))
    assert "IrO2 is stable against Ir and O2 above dmu_O = -1.50 eV" in capsys.readouterr().out
    one, other = ((tmp_path / metal / "phase_diagram.csv").read_text() for metal in ("Ru", "Ir"))
    assert one.replace(",Ru,", ",Ir,") == other
    one, other = (
        np.genfromtxt(tmp_path / metal / "wulff.csv", delimiter=",", skip_header=1, usecols=(2, 3))
        for metal in ("Ru", "Ir")
    )
    np.testing.assert_allclose(one, other, atol=0.01)  # c / a of the slabs is 0.689, not 0.691
    with pytest.raises(ConfigError, match="holds Ru, but the channels are Ir, O"):
        phase_diagram(PhaseDiagramConfig(structures=ru, out=tmp_path, **flags))


def test_references_of_another_oxide_are_computed_and_taken(tmp_path, iridium, capsys):
    emt, file = "ase.calculators.emt:EMT", tmp_path / "references.extxyz"
    references.main(ReferencesConfig(out=file, species="Pt,O", calculator=emt))
    oxide, gas, metal = ase.io.read(file, ":")
    assert [str(atoms.symbols) for atoms in (oxide, gas, metal)] == ["Pt2O4", "O2", "Pt"]
    printed = capsys.readouterr().out
    assert f"--bulk_energy={oxide.get_potential_energy() / 2:.4f}" in printed
    assert f"--metal_energy={metal.get_potential_energy():.4f}" in printed
    given = {"references": file, "out": tmp_path / "never"}
    with pytest.raises(ConfigError, match="its calculator is ase.calculators.emt:EMT"):
        phase_diagram(
            PhaseDiagramConfig(structures=iridium / "Ir.extxyz", species=IRIDIUM, **given)
        )
    with pytest.raises(ConfigError, match="No reference energies .* Give bulk IrO2 and O2"):
        phase_diagram(
            PhaseDiagramConfig(
                structures=iridium / "Ir.extxyz", species=IRIDIUM, out=tmp_path / "never"
            )
        )


def test_a_calculator_that_fails_at_references_is_named(tmp_path):
    broken = "tests.data_prep.fakes:Broken"
    with pytest.raises(ConfigError, match="calculator fails at RuO2 .*stress"):
        references.main(ReferencesConfig(out=tmp_path / "r.extxyz", calculator=broken))
    assert not list(tmp_path.iterdir())


def test_slabs_of_another_oxide_are_built_and_listed(tmp_path, capsys):
    settings = {"calculator": FAKE, "a": 4.5, "c": 3.15, "count": 2}
    config = GapConfig(out=tmp_path / "slabs.extxyz", species=IRIDIUM, **settings)
    gap.main(config)
    slabs = ase.io.read(config.out, ":")
    assert {symbol for slab in slabs for symbol in slab.symbols} == {"Ir", "O"}
    capsys.readouterr()
    table.main(TableConfig(structures=config.out, species=IRIDIUM))
    assert "| Ir:O | CN of outermost Ir |" in capsys.readouterr().out
    ase.io.write(tmp_path / "more.partial.extxyz", slabs)
    with pytest.raises(ConfigError, match="was begun with species = Ir,O, not Ru,O"):
        gap.main(GapConfig(out=tmp_path / "more.extxyz", **settings))


def test_the_search_takes_another_oxide_and_old_searches_go_on(tmp_path):
    settings = {"calculator": FAKE, "a": 4.5, "c": 3.1, "start": "110-O-poor", "steps": 2}
    settings |= {"size": 3.0, "relax_steps": 2, "exchange": 1.0}
    for species, out in ((IRIDIUM, "ir.extxyz"), ("Ru,O", "ru.extxyz")):
        search.main(BasinHoppingConfig(out=tmp_path / out, species=species, **settings))
    known, other = (ase.io.read(tmp_path / f"{metal}.extxyz", ":") for metal in ("ru", "ir"))
    assert [a.info["num_ru"] for a in known[:1]] == [a.info["num_ir"] for a in other[:1]] == [6]
    assert {symbol for atoms in other for symbol in atoms.symbols} == {"Ir", "O"}
    assert {atoms.info["move"] for atoms in other} & {"insert", "remove"}
    kept = json.loads((tmp_path / "ru.chains" / "settings.json").read_text())
    assert "species" not in kept
    with pytest.raises(ConfigError, match="begun with species = None, not Ir,O"):
        search.main(
            BasinHoppingConfig(
                out=tmp_path / "ru.extxyz", species=IRIDIUM, overwrite=True, **settings
            )
        )


def test_pictures_name_the_species(tmp_path):
    grids = np.zeros((1, 8, 8, 2))
    for species in (("Ru", "O"), ("Ti", "N")):
        figure = style.sample_sheet({"Real": (grids, None)})
        style.save_figure(figure, tmp_path / "picture.png", species)
        assert [text.get_text() for text in figure.legends[0].get_texts()] == list(species)


@pytest.fixture(scope="module")
def iridium_samples(tmp_path_factory):
    """A samples file of two slabs of IrO2."""
    folder = tmp_path_factory.mktemp("samples")
    slabs = [
        build_slab(f"110-{kind}", a=4.5, c=3.15, species=("Ir", "O"), vacuum=8).repeat((1, 2, 1))
        for kind in ("stoichiometric", "O-rich")
    ]
    grids = [voxelise(slab, alpha=5.0, species=("Ir", "O")) for slab in slabs]
    lattice = [slab.cell.lengths() for slab in slabs]
    np.savez(folder / "samples.npz", grid=grids, lattice=lattice, species=np.array(["Ir", "O"]))
    return folder / "samples.npz"


def test_structures_of_another_oxide_are_discovered(iridium_samples, iridium, tmp_path):
    pytest.importorskip("dscribe")
    pytest.importorskip("pymatgen")
    flags = {"calculator": FAKE, "bulk_energy": -9.0, "oxygen_energy": -1.0, "steps": 2}
    flags |= {"relaxations": 2, "known": iridium / "Ir.extxyz", "baselines": "rattled"}
    flags |= {"count": 2, "shown": 1}
    discover(DiscoverConfig(samples=iridium_samples, out=tmp_path / "found", **flags))
    last = ase.io.read(tmp_path / "found" / "generated" / "5_screened.extxyz", ":")
    assert all(set(atoms.symbols) == {"Ir", "O"} and atoms.info["valid"] for atoms in last)
    assert any("Ir_cus" in atoms.info["upper_face"] for atoms in last)
    assert "Ir blue, O orange" in (tmp_path / "found" / "report.html").read_text()


def test_discover_refuses_what_it_lacks_for_another_oxide(iridium_samples, tmp_path):
    pytest.importorskip("dscribe")
    pytest.importorskip("chgnet")
    given = {"samples": iridium_samples, "out": tmp_path / "never"}
    with pytest.raises(ConfigError, match="No reference energies of IrO2 are known"):
        discover(DiscoverConfig(baselines="none", **given))
    energies = {"bulk_energy": -9.0, "oxygen_energy": -1.0}
    with pytest.raises(ConfigError, match="holds no slab of Ir and O to make baselines from"):
        discover(DiscoverConfig(baselines="rattled", **energies, **given))
    assert not (tmp_path / "never").exists()
