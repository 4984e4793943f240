import ase.io

from data_prep.table import main
from keras_ruo2.config.preparation import TableConfig
from keras_ruo2.structure.slabs import build_slab


def test_the_bundled_slabs_are_listed_facet_by_termination(capsys):
    main(TableConfig())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 17 + 2
    cells = [cell.strip() for cell in lines[12].split("|")[1:-1]]
    assert cells[:5] == ["(110)", "stoichiometric", "9", "6:12", "5 6"]
    assert lines[-1].startswith("148 structures")
    assert sum(int(line.split("|")[3]) for line in lines[2:19]) == 148


def test_other_files_are_listed_by_formula(tmp_path, capsys):
    ase.io.write(tmp_path / "one.cif", build_slab("100-O-rich", a=4.5, c=3.1))
    main(TableConfig(structures=tmp_path / "one.cif", each=True))
    printed = capsys.readouterr().out
    assert "4:10" in printed and "unknown" in printed and "1 structures, 0 broken" in printed
