"""Which generated slabs are valid, which are the same one again, and which are new."""
