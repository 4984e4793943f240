"""Losses, the WGAN-GP schedule and the run that ties them together."""
