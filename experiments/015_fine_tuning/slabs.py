"""Write fifty slabs of IrO2: bundled ones of RuO2 stretched, with energies of CHGNet as they are.

python experiments/015_fine_tuning/slabs.py OUT.extxyz
"""

import sys

import ase.io
import numpy as np

from keras_ruo2.io.paths import BUNDLED_STRUCTURES
from keras_ruo2.relaxation.calculators import make_calculator
from keras_ruo2.structure.cells import with_energy
from keras_ruo2.structure.validity import reasons_against

COUNT = 50
STRETCH = ((4.505 / 4.491) ** 2 * 3.158 / 3.106) ** (1 / 3)  # IrO2 over RuO2, edges of rutile


def main(out):
    """Choose evenly among the whole slabs, stretch them and find their energies."""
    whole = [atoms for atoms in ase.io.read(BUNDLED_STRUCTURES, ":") if not reasons_against(atoms)]
    calculator, _ = make_calculator("chgnet")
    slabs = []
    for number in np.linspace(0, len(whole) - 1, COUNT).round().astype(int):
        atoms = whole[number].copy()
        atoms.set_cell(STRETCH * atoms.cell, scale_atoms=True)
        atoms.symbols[atoms.symbols == "Ru"] = "Ir"
        atoms.calc = calculator
        slabs.append(with_energy(atoms, atoms.get_potential_energy()))
    ase.io.write(out, slabs)


if __name__ == "__main__":
    main(sys.argv[1])
