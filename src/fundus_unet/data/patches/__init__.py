"""Training patches: where they are sampled, how they are augmented, and the data module."""
