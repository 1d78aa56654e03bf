"""Time and memory of upsamplers, alone and in a network."""
