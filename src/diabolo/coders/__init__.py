"""Coders: ways to learn what samples are like, and to write them as bytes. A new file enters the table by itself."""

from diabolo.coders.auto import Auto
from diabolo.coders.coder import Coder, Coding, Setting
from diabolo.coders.columns import Columns
from diabolo.coders.pixels import Pixels
from diabolo.coders.rows import Rows
from diabolo.coders.transform import Transform
from diabolo.part import discover

__all__ = ["Auto", "Coder", "Coding", "Columns", "Pixels", "Rows", "Setting", "Transform"]

discover(__name__, __path__)
