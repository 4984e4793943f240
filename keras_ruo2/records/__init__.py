"""Structures to records."""
