"""Dimensionality reduction: short codes, and back."""
