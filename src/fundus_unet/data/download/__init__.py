"""Public data sets: where they are had, and how they come whole and verified onto the user's disk."""
