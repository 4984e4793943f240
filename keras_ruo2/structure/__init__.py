"""Atoms, cells and grids: NumPy, SciPy and ASE only."""
