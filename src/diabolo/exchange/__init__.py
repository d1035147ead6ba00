"""Sparse dictionaries in the files of other libraries: read as plain values, written as SAELens folders."""

from diabolo.exchange.reading import read
from diabolo.exchange.saelens_writing import write
from diabolo.exchange.weights import Weights

__all__ = ["Weights", "read", "write"]
