"""Dictionaries: vectors as sums of few atoms."""
