"""Compression: samples as the bytes of a file, and back, as near as is promised."""
