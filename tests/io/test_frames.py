import numpy as np
from ase import Atoms

from keras_ruo2.io.frames import append_frame, whole_frames, write_frames


def test_every_cut_loses_at_most_the_last_structure(slab, tmp_path):
    """Cut the file at every place: what comes back is whole, and appending goes on after it."""
    path = tmp_path / "s.extxyz"
    empty = Atoms(cell=np.eye(3) * 5, pbc=True, info={"failures": "empty"})
    for frame in (slab, empty, slab[:3]):
        append_frame(path, frame)
    content = path.read_bytes()
    assert [len(atoms) for atoms in whole_frames(path)] == [18, 0, 3]
    sizes = set()
    for cut in range(len(content) - 300, len(content), 7):
        path.write_bytes(content[:cut])
        found = whole_frames(path)
        sizes.add(len(found))
        assert [len(atoms) for atoms in found] == [18, 0, 3][: len(found)]
        np.testing.assert_array_equal(found[0].positions.round(8), slab.positions.round(8))
    assert sizes == {1, 2}
    append_frame(path, slab)
    assert [len(atoms) for atoms in whole_frames(path)] == [18, 0, 18]


def test_a_file_that_is_not_there_has_no_structures(slab, tmp_path):
    assert whole_frames(tmp_path / "none.extxyz") == []
    write_frames(tmp_path / "s.extxyz", [slab])
    assert [path.name for path in tmp_path.iterdir()] == ["s.extxyz"]
