"""Folders of EleutherAI's sparsify: cfg.json and sae.safetensors, for one place in a model.

Reference: eai-sparsify 1.3, https://github.com/EleutherAI/sparsify, `sparsify/sparse_coder.py`.
"""

from __future__ import annotations

from pathlib import Path

from diabolo.check import OneOf, Whole
from diabolo.errors import FileError
from diabolo.exchange.arrays import load_arrays, matrix, tensors_of
from diabolo.exchange.config import Config
from diabolo.exchange.weights import Weights

CONFIG, WEIGHTS = "cfg.json", "sae.safetensors"
_KINDS = {"topk": "topk", "groupmax": "group-max"}
_READ = ("activation", "k", "d_in", "num_latents", "skip_connection", "transcode")


def read_sparsify(folder: Path) -> Weights:
    """Read a dictionary or a transcoder that sparsify saved.

    Raises
    ------
    FileError
        If the folder is no such dictionary, or one saved without its decoder.
    """
    config = Config.read(folder / CONFIG)
    file = folder / WEIGHTS
    state = load_arrays(file)
    n, d = matrix(file, state, "encoder.weight")
    config.agree("d_in", d)
    latents = config.value("num_latents", Whole(0), 0) or d * config.value("expansion_factor", Whole(1), 32)
    if latents != n:
        raise FileError(f"{config.file} says {latents} latents, but the weights beside it have {n}; copy both again.")
    if config.flag("signed", False):
        raise FileError(f"{config.file} asks for signed latents, which sparsify no longer has; train one without.")
    skip = {"W_skip": (d, d)} if config.flag("skip_connection", False) else {}
    shapes = {"encoder.weight": (n, d), "encoder.bias": (n,), "W_dec": (n, d), "b_dec": (d,)}
    found = tensors_of(file, state, shapes | skip)
    transcodes = config.flag("transcode", False)
    return Weights(
        found["encoder.weight"],
        found["encoder.bias"],
        found["W_dec"],
        found["b_dec"],
        _KINDS[config.value("activation", OneOf(*_KINDS), "topk")],
        k=config.value("k", Whole(1, n)),
        skip=found.get("W_skip"),
        subtracts_bias=not transcodes,
        transcodes=transcodes,
        about={"library": "sparsify", "hook_name": folder.name} | config.rest(*_READ),
    )
