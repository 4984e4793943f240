"""Cheap calculators that stand in for a potential."""

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.neighborlist import neighbor_list

BOND, DEPTH, STEEPNESS, REACH = 1.96, 1.5, 1.7, 4.0  # Å, eV, Å^-1, Å


class PairPotential(Calculator):
    """Morse bonds between Ru and O, repulsion between equals: a rutile slab holds together."""

    implemented_properties = ("energy", "forces")
    calls = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        type(self).calls += 1
        i, j, distance, vector = neighbor_list("ijdD", atoms, REACH)
        unlike = atoms.numbers[i] != atoms.numbers[j]
        decay = np.exp(-STEEPNESS * (distance - BOND))
        repulsion = 20 * np.exp(-3 * (distance - 1.2))
        energy = np.where(unlike, DEPTH * (decay**2 - 2 * decay), repulsion)
        slope = np.where(unlike, -2 * STEEPNESS * DEPTH * (decay**2 - decay), -3 * repulsion)
        forces = np.zeros((len(atoms), 3))
        np.add.at(forces, i, slope[:, None] * vector / distance[:, None])
        self.results = {"energy": 0.5 * float(energy.sum()), "forces": forces}


class Undecided(PairPotential):
    """Gives NaN whenever two atoms are near each other."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        if neighbor_list("d", self.atoms, 1.6).size:
            self.results["energy"] = float("nan")


class CountsOxygen(Calculator):
    """No forces; the energy is -5 eV for each O."""

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        num_o = int(np.sum(atoms.numbers == 8))
        self.results = {"energy": -5.0 * num_o, "forces": np.zeros((len(atoms), 3))}


class Broken(Calculator):
    """Fails always."""

    implemented_properties = ("energy", "forces")

    def calculate(self, *args, **kwargs):
        raise RuntimeError("no weights")


class ManyLines(PairPotential):
    """Works once, and then fails with every kind of line end in its message."""

    works = True

    def calculate(self, *args, **kwargs):
        if not self.works:
            raise RuntimeError("one, two\nthree\rfour\x0bfive\u2028six  seven\udcff")
        self.works = False
        super().calculate(*args, **kwargs)
