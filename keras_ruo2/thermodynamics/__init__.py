"""Surface free energies, phase diagrams and Wulff shapes."""

from keras_ruo2.thermodynamics.surface import surface_free_energy as surface_free_energy
