"""The generator of synthetic fundus images."""
