"""ASE calculators that take milliseconds, for `--calculator=tests.fakes:NAME`."""

import multiprocessing
import os
import time

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.neighborlist import neighbor_list

REACH = 3.4  # Å
# Depth (eV), steepness (1/Å) and distance (Å) of each pair's well.
PAIRS = {(8, 44): (2.0, 1.8, 1.97), (8, 8): (0.3, 1.8, 2.9), (44, 44): (0.3, 1.8, 3.3)}


class Morse(Calculator):
    """Ru and O bonded by Morse wells: whole slabs stay whole, the minimum is near rutile."""

    implemented_properties = ["energy", "forces"]

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        first, second, distance, vector = neighbor_list("ijdD", self.atoms, REACH)
        pairs = np.sort(self.atoms.numbers[np.stack([first, second], axis=1)], axis=1)
        wells = np.array([PAIRS[tuple(pair)] for pair in pairs.tolist()]).reshape(-1, 3)
        depth, steepness, best = wells.T
        decay = np.exp(-steepness * (distance - best))
        well, slope = decay**2 - 2 * decay, 2 * steepness * (decay - decay**2)
        fade = 1 - (distance / REACH) ** 2
        energy = depth * well * fade**2
        along = depth * (slope * fade**2 - well * 4 * fade * distance / REACH**2)
        forces = np.zeros((len(self.atoms), 3))
        np.add.at(forces, first, (along / distance)[:, None] * vector)
        self.results = {"energy": float(energy.sum()) / 2, "forces": forces}


class Nan(Morse):
    """Loses its mind over structures with an odd number of O."""

    def calculate(self, *arguments, **options):
        super().calculate(*arguments, **options)
        if np.sum(self.atoms.numbers == 8) % 2:
            self.results["energy"] = np.nan


class Crashing(Morse):
    """Raises on every structure."""

    def calculate(self, *arguments, **options):
        raise RuntimeError('no "SCF" convergence')


class Killing(Morse):
    """Ends the command as `kill -9` does, once: when the file in KILL_AT says 0 calls are left."""

    victim = staticmethod(lambda: multiprocessing.parent_process().pid)  # the command itself

    def calculate(self, *arguments, **options):
        path = os.environ["KILL_AT"]
        with open(path) as file:
            left = int(file.read())
        if left == 0:
            os.kill(self.victim(), 9)
            time.sleep(60)  # until this process notices
        with open(path, "w") as file:
            file.write(str(left - 1))
        super().calculate(*arguments, **options)


class Crumbling(Killing):
    """Ends its own process instead, as a segmentation fault does."""

    victim = staticmethod(os.getpid)


class KillingOnce(Morse):
    """Ends the process that handed work to it, as `kill -9` does: once, taking KILL_ONCE away."""

    def calculate(self, *arguments, **options):
        super().calculate(*arguments, **options)
        try:
            os.remove(os.environ["KILL_ONCE"])
        except FileNotFoundError:
            return
        os.kill(multiprocessing.parent_process().pid, 9)
        time.sleep(60)  # until this process notices


class Hanging(Morse):
    """Never comes back from a structure with an odd number of O."""

    def calculate(self, *arguments, **options):
        super().calculate(*arguments, **options)
        while np.sum(self.atoms.numbers == 8) % 2:
            time.sleep(1)
