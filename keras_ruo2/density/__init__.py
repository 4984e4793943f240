"""Atoms to density grids and back."""
