"""Colorization: a and b of Lab from lightness."""
