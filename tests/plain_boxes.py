"""The search for orthogonal supercells, a vector at a time, to compare with."""

import itertools

import numpy as np

from keras_ruo2.structure.cells import LARGEST_INDEX, LARGEST_STRAIN, STRAIN_SCALE


def smallest_rows(cell):
    """Return the perpendicular triple of lattice vectors that costs least, or `None`."""
    indices = range(-LARGEST_INDEX, LARGEST_INDEX + 1)
    plane = [(*pair, 0) for pair in itertools.product(indices, repeat=2)]
    space = list(itertools.product(range(-3, 4), repeat=3))
    for candidates, third in ((plane, [(0, 0, 1)]), (space, space)):
        best = search(cell, shortest_first(cell, candidates), shortest_first(cell, third))
        if best is not None:
            return best
    return None


def shortest_first(cell, indices):
    """Return primitive vectors, one of each pair of opposites, in the order of their lengths."""
    primitive = [np.array(index) for index in indices if np.gcd.reduce(index) == 1]
    forward = [index for index in primitive if tuple(index) > tuple(-index)]
    return np.array(sorted(forward, key=lambda index: np.linalg.norm(index @ cell)))


def search(cell, in_plane, third):
    """Try one triple after the other."""
    best, least = None, np.inf
    for last in third:
        around = perpendicular(in_plane, last, cell)
        for first in around:
            for second in perpendicular(around, first, cell)[:3]:
                rows = np.array([first, second, last])
                pairs = ((second, first), (last, second), (first, last))
                strain = max(off_square(a[None], b, cell)[0] for a, b in pairs)
                cost = abs(np.linalg.det(rows @ cell)) * (1 + strain / STRAIN_SCALE)
                if cost < least * (1 - 1e-9):
                    best, least = rows, cost
    return best


def perpendicular(rows, row, cell):
    """Return the vectors that are perpendicular to one."""
    return rows[off_square(rows, row, cell) < LARGEST_STRAIN]


def off_square(rows, row, cell):
    """Return how far vectors are from being perpendicular to one, degrees."""
    vectors, vector = rows @ cell, row @ cell
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(vector)
    return np.degrees(np.arcsin(np.minimum(np.abs(vectors @ vector) / lengths, 1)))


def some_cells(count, seed=0):
    """Return cells: rectangular, sheared, turned, strained and oblique ones, some without a box."""
    rng = np.random.default_rng(seed)
    fcc = 1.8 * (np.ones((3, 3)) - np.eye(3))
    squares = [np.diag(lengths) for lengths in ((1, 1, 1), (4.5, 4.5, 20), (3.1, 6.4, 20))]
    found = []
    for number in range(count):
        cell = [*squares, fcc, squares[1] + [[0] * 3, [2.25, 0, 0], [0] * 3]][rng.integers(5)]
        turned = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        sheared = np.eye(3, dtype=int)
        sheared[1, 0] = rng.integers(-3, 4)
        angle, a, b = rng.choice([60, 90, 120, 89.5, 90.7, 84]), *rng.choice([2, 3, 4.5], 2)
        oblique = [[a, 0], [b * np.cos(np.radians(angle)), b * np.sin(np.radians(angle))]]
        kinds = (
            *(cell, sheared @ cell, cell @ turned, np.diag(rng.uniform(2, 20, 3))),
            cell + rng.normal(size=(3, 3)) * 10 ** rng.uniform(-12, -1),
            np.pad(oblique, ((0, 1), (0, 1))) + np.diag([0, 0, 20]),
        )
        found.append(np.array(kinds[number % len(kinds)], dtype=float))
    return found
