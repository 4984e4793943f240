"""Print a row of the table for each run: valid slabs, spectra, and how far atoms are from rest.

python experiments/015_fine_tuning/measure.py RUN ...
"""

import sys

import keras_ruo2 as kr
from keras_ruo2 import runs
from keras_ruo2.structure.validity import reasons_against

COUNT, SEED = 100, 7


def main(folders):
    """Measure runs on IrO2."""
    print("| run | step | valid | spectrum ratio | from rest, Å |\n|---|---|---|---|---|")
    for folder in folders:
        slabs = kr.load(folder).sample(COUNT, seed=SEED)
        valid = sum(not reasons_against(atoms, ("Ir", "O")) for atoms in slabs) / COUNT
        row = runs.read_metrics(f"{folder}/{runs.METRICS}")[-1]
        rest = float(row["generator_rest_loss"]) ** 0.5
        spectrum = float(row["held_out_spectrum_ratio"])
        print(f"| {folder} | {row['step']} | {valid:.0%} | {spectrum:.2f} | {rest:.3f} |")


if __name__ == "__main__":
    main(sys.argv[1:])
