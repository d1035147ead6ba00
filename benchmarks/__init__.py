"""Benchmarks: one question per script, ``python -m benchmarks.NAME``."""
