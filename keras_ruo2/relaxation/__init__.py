"""Relaxing structures with any calculator, and what became of them."""
