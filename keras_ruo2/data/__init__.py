"""Records on disk, and batches of them in a fixed order."""
