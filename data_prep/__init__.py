"""Offline preparation: structures, voxels and records."""
