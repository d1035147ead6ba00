"""Tables and series: rows of levels through a net that knows the levels before each."""

from diabolo.coders.rows.rows import Rows

__all__ = ["Rows"]
