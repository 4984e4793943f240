"""Commands that are ended when their output is whole already, or all but."""

from pathlib import Path
from types import SimpleNamespace

import ase.io
import numpy as np
import pytest

from data_prep import gap
from keras_ruo2.config import BackmapConfig, GenerateConfig, ScreenConfig
from keras_ruo2.config.preparation import GapConfig
from keras_ruo2.data.description import FILE_NAME
from keras_ruo2.density import batch
from keras_ruo2.errors import ConfigError
from keras_ruo2.generation import generate
from keras_ruo2.io.locks import lock_of, one_at_a_time
from keras_ruo2.records import build, workplace
from tests.damage_cases import slabs, small


class Killed(BaseException):
    """What nothing catches, as SIGKILL."""


def killed(*_, **__):
    raise Killed


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_lock_of_a_killed_command_goes_when_it_is_repeated(tmp_path):
    ase.io.write(tmp_path / "in.extxyz", slabs(1))
    out = tmp_path / "out.extxyz"
    out.write_text("whole")
    lock_of(out).touch()
    with pytest.raises(ConfigError, match="exists. Choose another"):
        ScreenConfig(structures=tmp_path / "in.extxyz", out=out)
    assert names(tmp_path) == ["in.extxyz", "out.extxyz"]
    with one_at_a_time(out), pytest.raises(ConfigError, match="exists. Choose another"):
        try:
            ScreenConfig(structures=tmp_path / "in.extxyz", out=out)
        finally:
            assert lock_of(out).exists()


def gap_config(folder, **values):
    given = {"calculator": "tests.fakes:Morse", "a": 4.5, "c": 3.1, "count": 1}
    return GapConfig(out=folder / "gap.extxyz", **given | values)


def test_what_gap_has_left_beside_its_whole_output_goes_when_it_is_repeated(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(gap, "remove_frames", killed)
        with pytest.raises(Killed):
            gap.main(gap_config(tmp_path))
    whole = (tmp_path / "gap.extxyz").read_bytes()
    assert "gap.partial.extxyz" in names(tmp_path)
    with pytest.raises(ConfigError, match="exists. Choose another"):
        gap.main(gap_config(tmp_path))
    assert names(tmp_path) == ["gap.extxyz"]
    assert (tmp_path / "gap.extxyz").read_bytes() == whole


@pytest.mark.parametrize("number", range(5))
def test_what_records_have_left_beside_them_goes_when_they_are_built_again(
    tmp_path, monkeypatch, number
):
    """Killed before each of five removals in turn."""
    ase.io.write(tmp_path / "slabs.extxyz", slabs())
    config, removals = small(tmp_path, tmp_path / "r"), iter(range(100))

    def mortal(remove):
        def unlink(path, *arguments, **options):
            if "r.partial" in str(path) and (tmp_path / "r" / FILE_NAME).exists():
                if next(removals) == number:
                    raise Killed
            return remove(path, *arguments, **options)

        return unlink

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", mortal(Path.unlink))
        patch.setattr(workplace.shutil, "rmtree", mortal(workplace.shutil.rmtree))
        with pytest.raises(Killed):
            build.main(config)
    with pytest.raises(ConfigError, match="exists. Choose another"):
        build.main(config)
    assert names(tmp_path) == ["r", "slabs.extxyz"]


def test_what_gap_has_begun_to_replace_an_output_with_stays(tmp_path, monkeypatch):
    gap.main(gap_config(tmp_path, count=2))
    with monkeypatch.context() as patch:
        patch.setattr(gap, "slab_line", killed)
        with pytest.raises(Killed):
            gap.main(gap_config(tmp_path, count=2, overwrite=True))
    with pytest.raises(ConfigError, match="exists. Choose another"):
        gap.main(gap_config(tmp_path, count=2))
    assert "gap.partial.extxyz" in names(tmp_path)


def test_structures_of_backmap_appear_after_their_picture(tmp_path, monkeypatch):
    grid = np.random.default_rng(0).random((1, 8, 8, 8, 2)).astype("f4")
    np.savez(tmp_path / "samples.npz", grid=grid, lattice=np.full((1, 3), 8.0))
    monkeypatch.setattr(batch, "draw_found_atoms", killed)
    paths = {"samples": tmp_path / "samples.npz", "out": tmp_path / "out.extxyz"}
    with pytest.raises(Killed):
        batch.map_samples(BackmapConfig(picture=tmp_path / "picture.png", **paths))
    assert "out.extxyz" not in names(tmp_path)


def test_samples_of_generate_appear_after_their_picture(tmp_path, monkeypatch):
    samples = {"grid": np.zeros((1, 8, 8, 2), "f4")}
    monkeypatch.setattr(generate, "draw_request", lambda *_: SimpleNamespace(tried=1))
    monkeypatch.setattr(generate, "request_of", lambda _: None)
    monkeypatch.setattr(generate, "as_samples", lambda *_: samples)
    monkeypatch.setattr(generate, "real_panels", lambda *_: {})
    monkeypatch.setattr(generate.style, "save_figure", killed)
    config = GenerateConfig(model="joint3d", count=1, out=tmp_path / "drawn.npz")
    with pytest.raises(Killed):
        generate.generate(config, {"data": {"species": ("Ru", "O")}}, config.out)
    assert names(tmp_path) == []
