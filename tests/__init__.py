"""A package, so that one of this name that something else has installed does not hide it."""
