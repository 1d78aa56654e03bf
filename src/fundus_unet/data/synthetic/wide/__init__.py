"""The wide variety of synthetic fundus images: other eyes, other cameras and what is no vessel."""
