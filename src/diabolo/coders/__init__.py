"""Coders: ways to learn what samples are like, and to write them as bytes."""

from diabolo.coders.auto import Auto
from diabolo.coders.coder import Coder, Coding, Setting
from diabolo.coders.columns import Columns
from diabolo.coders.rows import Rows
from diabolo.part import discover

__all__ = ["Auto", "Coder", "Coding", "Columns", "Rows", "Setting"]

discover(__name__, __path__)
