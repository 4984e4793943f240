"""Surface free energies, phase diagrams and Wulff shapes."""
