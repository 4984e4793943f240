"""Add single-point energies of further calculators to the structures of a file.

    python experiments/013_potentials/columns.py --structures=tfrecords/gap.extxyz \
      --calculators=sevennet:7net-0,sevennet:7net-mf-0@PBE

Each structure gains `energy_<model>` (eV), e.g. `energy_7net_mf_0_PBE`: the energy of the structure
as it is in the file, not relaxed with that calculator. Everything else stays as it is.
"""

import argparse
import os
import re
import sys
from pathlib import Path

import ase.io

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from keras_ruo2.relaxation.calculators import make_calculator  # noqa: E402
from keras_ruo2.structure.filters import in_a_false_well  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--structures", type=Path, required=True)
    parser.add_argument("--calculators", required=True)
    options = parser.parse_args()
    frames = ase.io.read(options.structures, ":")
    for name in options.calculators.split(","):
        calculator, _ = make_calculator(name)
        column = "energy_" + re.sub(r"\W", "_", name.partition(":")[2] or name)
        for atoms in frames:
            if in_a_false_well(atoms):
                sys.exit(f"{atoms.info.get('name')} has atoms too close for any potential.")
            single = atoms.copy()
            single.calc = calculator
            atoms.info[column] = round(float(single.get_potential_energy()), 6)
        print(f"{column}: {len(frames)} structures", flush=True)
    written = options.structures.with_suffix(".partial.extxyz")
    ase.io.write(written, frames)
    os.replace(written, options.structures)


if __name__ == "__main__":
    main()
