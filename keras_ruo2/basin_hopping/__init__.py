"""A search for surface structures: moves, chains, histories and what came of them."""
