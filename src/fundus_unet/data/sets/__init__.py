"""The data sets: one module per public set, the user's own folder, synthetic images, and mixtures of these."""
