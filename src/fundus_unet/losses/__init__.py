"""What a network is trained with: one module per loss."""
