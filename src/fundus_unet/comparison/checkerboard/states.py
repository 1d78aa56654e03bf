"""When a network is measured."""

INIT, TRAINED = "init", "trained"
STATES = {INIT: "at initialization", TRAINED: "trained"}
"""In words."""
