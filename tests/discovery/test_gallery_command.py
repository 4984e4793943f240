import ase.io
import pytest

from keras_ruo2.config import GalleryConfig
from keras_ruo2.discovery.gallery_run import main as gallery
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.paths import MODELS


def test_the_bundled_model_has_a_gallery(structures, tmp_path, capsys):
    pytest.importorskip("dscribe")
    known = tmp_path / "known.extxyz"
    ase.io.write(known, ase.io.read(structures, ":4"))
    gallery(GalleryConfig(model="joint3d", out=tmp_path / "g", count=2, known=known))
    assert {"gallery.html", "gallery.png", "slabs.extxyz", "samples.npz"} <= {
        path.name for path in (tmp_path / "g").iterdir()
    }
    slabs = ase.io.read(tmp_path / "g" / "slabs.extxyz", ":")
    assert len(slabs) == 2 and all("valid" in slab.info for slab in slabs)
    text = (tmp_path / "g" / "gallery.html").read_text()
    assert "--run=" in text and "2 generated structures" in text
    assert "gallery.html shows 2 slabs" in capsys.readouterr().out


def test_slices_are_refused_before_anything_is_written(tmp_path):
    pytest.importorskip("dscribe")
    flat = [path.name for path in MODELS.iterdir() if path.name.endswith("2d")]
    if not flat:
        pytest.skip("no bundled model of slices")
    with pytest.raises(ConfigError, match="Structures come from 3D"):
        gallery(GalleryConfig(model=flat[0], out=tmp_path / "g"))
    assert not (tmp_path / "g").exists()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file. Give a folder"):
        GalleryConfig(out=tmp_path / "file")
