"""Processes that the harness starts, one module per side: ours, and one for each peer in its own environment."""
