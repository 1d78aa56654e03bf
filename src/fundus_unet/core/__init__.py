"""What every package may use: errors, files, seeds, interruption."""
