"""Images, exactly: bytes through nets that know the pixels before each."""

from diabolo.coders.pixels.pixels import Pixels

__all__ = ["Pixels"]
