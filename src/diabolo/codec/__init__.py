"""The codec: whole numbers to bytes and back at the cost of their entropy, and the compressed file."""

from diabolo.codec.container import Container
from diabolo.codec.fidelity import PSNR, Absolute, Exact, Fidelity, Rate, Relative
from diabolo.codec.writing import pack, write

__all__ = ["PSNR", "Absolute", "Container", "Exact", "Fidelity", "Rate", "Relative", "pack", "write"]
