"""What a training run leaves, and how it is used again."""
