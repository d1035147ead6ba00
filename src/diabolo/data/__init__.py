"""Data: from what the user has to scaled tensors, and back."""

from diabolo.data.field import Field
from diabolo.data.form import Form, Kind, kind
from diabolo.data.holding_out import HeldOut, before, leave_out, strong
from diabolo.data.ids import Ids
from diabolo.data.images import read_images
from diabolo.data.interactions import Interactions, folded
from diabolo.data.moments import Moments
from diabolo.data.picture import Picture
from diabolo.data.pictures import IMAGES, open_picture, picture_files, write_picture
from diabolo.data.reading import read
from diabolo.data.scaling import Scaling
from diabolo.data.schema import Schema
from diabolo.data.stored import Stored, joined
from diabolo.data.writing import write, write_parts

__all__ = [
    "IMAGES",
    "Field",
    "Form",
    "HeldOut",
    "Ids",
    "Interactions",
    "Kind",
    "Moments",
    "Picture",
    "Scaling",
    "Schema",
    "Stored",
    "before",
    "folded",
    "joined",
    "kind",
    "leave_out",
    "open_picture",
    "picture_files",
    "read",
    "read_images",
    "strong",
    "write",
    "write_parts",
    "write_picture",
]
