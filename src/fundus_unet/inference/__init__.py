"""Vessel maps with a trained network: of single images, in tiles, of folders; evaluation and export."""
