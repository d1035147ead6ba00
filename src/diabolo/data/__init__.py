"""Data: from what the user has to scaled tensors, and back."""

from diabolo.data.form import Form, Kind, kind
from diabolo.data.images import read_images
from diabolo.data.reading import read
from diabolo.data.scaling import Scaling
from diabolo.data.writing import write

__all__ = ["Form", "Kind", "Scaling", "kind", "read", "read_images", "write"]
