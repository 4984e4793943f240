"""Every picture, and the viewer of structures."""
