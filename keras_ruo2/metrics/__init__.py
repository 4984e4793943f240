"""Numbers that say how alike two sets of grids or atoms are. NumPy only."""
