import csv

from keras_ruo2.io.tables import Writer


def test_no_name_becomes_a_formula_and_numbers_stay(tmp_path):
    row = ["=1+1", "@SUM(A1)", "-2+3", "+cmd|' /C calc'!A0", "\t=1", "slab-1", "-1.25", -1.25, ""]
    with open(tmp_path / "t.csv", "w", newline="") as file:
        Writer(file).writerow(row)
    with open(tmp_path / "t.csv", newline="") as file:
        (found,) = csv.reader(file)
    assert found[:5] == [f"'{text}" for text in row[:5]]
    assert found[5:] == ["slab-1", "-1.25", "-1.25", ""]
