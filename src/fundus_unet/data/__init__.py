"""Fundus images with vessel labels: public and synthetic sets, images at working resolution, patches to train on."""
