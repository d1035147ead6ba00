"""Data: from what the user has to scaled tensors, and back."""

from diabolo.data.field import Field
from diabolo.data.form import Form, Kind, kind
from diabolo.data.images import read_images
from diabolo.data.moments import Moments
from diabolo.data.reading import read
from diabolo.data.scaling import Scaling
from diabolo.data.schema import Schema
from diabolo.data.stored import Stored, joined
from diabolo.data.writing import write, write_parts

__all__ = [
    "Field",
    "Form",
    "Kind",
    "Moments",
    "Scaling",
    "Schema",
    "Stored",
    "joined",
    "kind",
    "read",
    "read_images",
    "write",
    "write_parts",
]
