"""How good a vessel map is; every metric has one entry in `registry`."""
