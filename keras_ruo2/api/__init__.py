"""What a notebook imports as `keras_ruo2`: functions on `ase.Atoms` that return values."""
