"""How far atoms that were found in a grid lie from those that made it."""

import numpy as np
from scipy.optimize import linear_sum_assignment


def distance(atoms, found):
    """Return the root mean square distance of the best pairing of each species, Å."""
    lengths, squares = atoms.cell.lengths(), []
    shift = [0, 0, found.info["shift"]]
    for number in np.unique(atoms.numbers):
        one, other = (part.positions[part.numbers == number] for part in (atoms, found))
        apart = one[:, None] - (other - shift)[None]
        apart -= lengths * np.round(apart / lengths)
        cost = (apart**2).sum(axis=-1)
        squares.extend(cost[linear_sum_assignment(cost)])
    return np.sqrt(np.mean(squares))


def formula(atoms):
    return atoms.get_chemical_formula()
