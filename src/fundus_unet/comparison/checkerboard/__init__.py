"""Checkerboards of networks: measures, tables and figures."""
