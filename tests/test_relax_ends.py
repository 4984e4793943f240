"""relax that is ended in the moments in which files of two kinds must agree."""

import ase.io
import pytest

from keras_ruo2.config import RelaxConfig
from keras_ruo2.errors import ConfigError
from keras_ruo2.io import frames
from keras_ruo2.relaxation import batch as command
from tests.damage_cases import slabs


class Killed(BaseException):
    """What nothing catches, as SIGKILL."""


def killed(*_, **__):
    raise Killed


def config(folder, **values):
    if not (folder / "in.extxyz").exists():
        ase.io.write(folder / "in.extxyz", slabs(2))
    given = {"structures": folder / "in.extxyz", "out": folder / "out.extxyz", "steps": 1}
    return RelaxConfig(calculator="tests.fakes:Morse", **given | values)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("step", ["remove_frames", "settings_of"])
def test_what_is_left_beside_a_whole_output_goes_when_the_command_is_repeated(
    step, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        if step == "remove_frames":
            patch.setattr(command, "remove_frames", killed)
        else:
            patch.setattr(
                command, "remove_frames", lambda path: (frames.remove_frames(path), killed())
            )
        with pytest.raises(Killed):
            command.main(config(tmp_path))
    whole = (tmp_path / "out.extxyz").read_bytes()
    (tmp_path / ".out.extxyz.lock").touch()  # which only SIGKILL leaves
    assert "out.partial.json" in names(tmp_path)
    with pytest.raises(ConfigError, match="exists. Choose another"):
        command.main(config(tmp_path))
    assert names(tmp_path) == ["in.extxyz", "out.extxyz"]
    assert (tmp_path / "out.extxyz").read_bytes() == whole
    with pytest.raises(ConfigError, match="exists. Choose another"):
        config(tmp_path)


def test_an_output_is_not_replaced_by_what_was_begun_with_overwrite(tmp_path, monkeypatch):
    command.main(config(tmp_path))
    whole = (tmp_path / "out.extxyz").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(command, "result_line", killed)
        with pytest.raises(Killed):
            command.main(config(tmp_path, steps=2, overwrite=True))
    with pytest.raises(ConfigError, match="exists. Choose another"):
        command.main(config(tmp_path, steps=2))
    assert (tmp_path / "out.extxyz").read_bytes() == whole
    assert "out.partial.extxyz" in names(tmp_path)
    command.main(config(tmp_path, steps=2, overwrite=True))
    assert names(tmp_path) == ["in.extxyz", "out.extxyz"]


def test_a_first_structure_without_its_checksum_is_done_again(tmp_path, monkeypatch, capsys):
    path, append = tmp_path / "p.extxyz", frames.append
    monkeypatch.setattr(
        frames, "append", lambda p, c: killed() if c and p.suffix == ".seals" else append(p, c)
    )
    with pytest.raises(Killed):
        frames.append_frame(path, slabs(1)[0])
    assert path.stat().st_size
    assert frames.whole_frames(path, needs_seals=True) == []
    assert "dropping an unfinished structure" in capsys.readouterr().err
