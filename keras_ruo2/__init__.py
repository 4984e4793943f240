"""Wasserstein GANs that propose RuO2 surface structures on periodic voxel grids."""

from keras_ruo2.version import installed_version

__version__ = installed_version()
