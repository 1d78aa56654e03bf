"""The Lightning module, its callbacks, and what a training continues from."""
