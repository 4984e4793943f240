"""Scores of generated structures."""
