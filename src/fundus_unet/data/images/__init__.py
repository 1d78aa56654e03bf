"""Image files, the field of view, and the network's working resolution."""
