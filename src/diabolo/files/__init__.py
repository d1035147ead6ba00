"""Files: written whole or not at all, never pickled, checked in full before anything in them is believed."""

from diabolo.files.disk import FilePath, demand_file, real, replacing, write_bytes
from diabolo.files.model import FORMAT, demand_place, load, save
from diabolo.files.tensors import load_tensors, match, save_tensors, under

__all__ = [
    "FORMAT",
    "FilePath",
    "demand_file",
    "demand_place",
    "load",
    "load_tensors",
    "match",
    "real",
    "replacing",
    "save",
    "save_tensors",
    "under",
    "write_bytes",
]
