"""The same command, seed and versions write the same bytes."""

import hashlib

from tests.damage_cases import make_records


def bytes_of(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_records_are_the_same_bytes_wherever_and_whenever_they_are_built(tmp_path, monkeypatch):
    found = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        make_records(tmp_path / name)
        found.append(bytes_of(tmp_path / name / "records"))
    shards = [{k: v for k, v in files.items() if "tfrecord" in k} for files in found]
    assert shards[0] and shards[0] == shards[1]
