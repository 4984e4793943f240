"""Wasserstein GANs that propose RuO2 surface structures on periodic voxel grids."""

__version__ = "0.1.0"
