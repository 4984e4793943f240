from dataclasses import dataclass
from pathlib import Path

import pytest

from keras_ruo2.config import Config
from keras_ruo2.errors import ConfigError
from keras_ruo2.io.workfolder import begin, frames, stage, take_up


@dataclass(frozen=True, kw_only=True)
class Work(Config):
    out: Path
    source: Path | None = None
    count: int = 3
    shown: int = 1


def test_a_folder_that_was_begun_needs_its_name_only(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    begin(take_up(Work(out=out, source=Path("a"), count=5), ["shown"]), {"a": "1"})
    again = take_up(Work(out=out, shown=7), ["shown"])
    assert (again.source, again.count, again.shown) == (Path("a"), 5, 7)
    assert take_up(Work(out=out, count=5), ["shown"]).count == 5
    with pytest.raises(ConfigError, match="was begun with count = 5, not 3"):
        take_up(Work(out=out, count=3), ["shown"])
    with pytest.raises(ConfigError, match="a has changed since"):
        begin(again, {"a": "2"})


def test_a_folder_of_something_else_is_not_written_to(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(ConfigError, match="holds files, but no config.json"):
        take_up(Work(out=tmp_path))


def test_a_finished_stage_is_not_repeated(tmp_path):
    calls = []

    def make(path):
        calls.append(path)
        path.write_text("")

    for _ in range(2):
        path = stage(tmp_path / "new" / "1.extxyz", make)
    assert len(calls) == 1 and frames(path) == []
