"""Export: what was learnt, for programs that know nothing of diabolo."""

from diabolo.export.onnx import to_onnx

__all__ = ["to_onnx"]
