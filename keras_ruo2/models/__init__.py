"""Layers and functional networks; nothing here knows of training."""
