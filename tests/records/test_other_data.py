"""Structures of others as input of `records`: databases, trajectories, POSCARs, slabs by DFT."""

import re

import ase.io
import numpy as np
import pytest
from ase.db import connect

from keras_ruo2.config.preparation import RecordsConfig
from keras_ruo2.data.description import TRAINING, load_description
from keras_ruo2.data.reader import Records
from keras_ruo2.density.backmap import backmap
from keras_ruo2.errors import ConfigError
from keras_ruo2.records.build import main
from keras_ruo2.records.samples import rotate_and_translate
from keras_ruo2.records.survey import prepare_structure
from keras_ruo2.structure.cells import with_energy
from tests.density.test_backmap import distance

NUM_ATOMS = (96, 100, 104)  # Ru32O64 of both facets, Ru32O68 of (110), Ru32O72 of (101)


def written(path, slabs):
    ase.io.write(path, slabs)
    return path


def test_real_slabs_pass_through_records_and_come_back(realdata, tmp_path):
    """Stoichiometric and O-covered (110) and (101) by DFT: voxelised, stored, read, mapped back."""
    found = ase.io.read(realdata / "ruo2_vasp_pbe.extxyz", ":")
    slabs = [slab for slab in found if len(slab) in NUM_ATOMS]
    assert len(slabs) == 4
    path = written(tmp_path / "real.extxyz", slabs)
    config = RecordsConfig(
        structures=path, recipe="gap3d", out=tmp_path / "r", holdout=0.0, num_classes=2
    )
    main(config)
    description = load_description(config.out)
    read = Records(config.out, description, TRAINING)
    assert len(read) == 10 * len(slabs)
    names = read.read(np.arange(len(read)), ["structure"])["structure"].tolist()
    for number, slab in enumerate(slabs):
        box = prepare_structure(slab, config.rules)
        expected = rotate_and_translate(
            box, np.random.default_rng([config.seed, number]), rotate=True
        )
        record = read.read([names.index(slab.info["name"].encode())])
        assert record["energy"][0] == pytest.approx(slab.get_potential_energy() / len(slab))
        lengths = record["lattice"][0].astype(float)
        np.testing.assert_allclose(lengths, expected.cell.lengths(), rtol=1e-6)
        atoms = backmap(record["grid"][0], lengths, alpha=description.alpha)
        assert atoms.get_chemical_formula() == expected.get_chemical_formula()
        assert distance(expected, atoms) < 0.02  # as asked of the bundled slabs


def test_every_file_of_real_slabs_with_hydrogen_is_refused_by_name(realdata, tmp_path):
    for number, slab in enumerate(ase.io.read(realdata / "ruo2_with_hydrogen.extxyz", ":")):
        path = written(tmp_path / f"{number}.extxyz", slab)
        expected = re.escape(slab.info["name"]) + ".*holds H, but the channels are Ru, O"
        with pytest.raises(ConfigError, match=expected):
            main(RecordsConfig(structures=path, out=tmp_path / "never"))
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("kind", ["slabs.db", "slabs.traj", "poscars"])
def test_databases_trajectories_and_poscars_become_records(tmp_path, slab, kind):
    path, names = tmp_path / kind, [f"slab-{number}" for number in range(3)]
    slabs = [with_energy(slab.copy(), -100.0 - number) for number in range(3)]
    if kind == "slabs.db":
        with connect(path) as database:
            for one, name in zip(slabs, names, strict=True):
                database.write(one, name=name, dmu_o=-0.5)
    elif kind == "slabs.traj":
        names = [f"slabs-{number}" for number in range(3)]
        ase.io.write(path, slabs)
    else:
        path.mkdir()
        names = [f"{name}-0" for name in names]
        for one, name in zip(slabs, names, strict=True):
            ase.io.write(path / f"{name.removesuffix('-0')}.vasp", one)
    config = {"structures": path, "out": tmp_path / "records", "num_voxels": 8, "holdout": 0.0}
    classes = 3
    if kind == "poscars":
        with pytest.raises(ConfigError, match=r"3 of 3 .*no energy .first slab-0-0.*num_classes=0"):
            main(RecordsConfig(num_classes=classes, **config))
        classes = 0
    main(RecordsConfig(num_classes=classes, **config))
    description = load_description(config["out"])
    assert sorted(description.structures[TRAINING]) == names
    assert len(description.label_counts) == classes
    records = Records(config["out"], description, TRAINING).read(np.arange(len(names) * 32))
    energies = np.unique(records["energy"])
    expected = [-102 / 18, -101 / 18, -100 / 18] if classes else [np.nan]
    np.testing.assert_allclose(energies, expected, rtol=1e-6)
    known = -0.5 if kind == "slabs.db" else np.nan
    np.testing.assert_allclose(records["dmu_o"], known)
