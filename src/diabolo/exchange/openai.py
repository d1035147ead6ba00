"""Files of OpenAI's sparse_autoencoder: one .pt with the state dict.

Reference: https://github.com/openai/sparse_autoencoder, `sparse_autoencoder/model.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diabolo.check import OneOf, Whole
from diabolo.errors import FileError
from diabolo.exchange.arrays import matrix, tensors_of
from diabolo.exchange.config import Config
from diabolo.exchange.weights import Weights

MARK = "pre_bias"
"""The tensor that only its files have."""

_BESIDE = (
    "stats_last_nonzero",
    "latents_activation_frequency",
    "latents_mean_square",
    "activation.k",  # a second time, from torch's own walk through the modules
    "activation.postact_fn",
)


def from_openai(file: Path, state: dict[str, Any]) -> Weights:
    """Return the dictionary in a state dict. One with a TopK norms its samples, as its loader takes for granted.

    Raises
    ------
    FileError
        If the state is of another activation, or no such dictionary.
    """
    plain = Config(file, {name: state.pop(name, None) for name in ("activation", "activation_state_dict")})
    activation = plain.value("activation", OneOf("ReLU", "TopK"), "ReLU")
    after = plain.part("activation_state_dict")
    after.value("postact_fn", OneOf("ReLU"), "ReLU")
    n, d = matrix(file, state, "encoder.weight")
    shapes = {"encoder.weight": (n, d), "latent_bias": (n,), "decoder.weight": (d, n), MARK: (d,)}
    found = tensors_of(file, {name: value for name, value in state.items() if name not in _BESIDE}, shapes)
    chosen: dict[str, Any] = {}
    if activation == "TopK":
        chosen = {"k": after.value("k", Whole(1, n)), "norm": "layer"}
    elif after.values:
        raise FileError(f"{file} gives settings of its activation, but a ReLU has none; copy it again.")
    return Weights(
        found["encoder.weight"],
        found["latent_bias"],
        found["decoder.weight"].T,
        found[MARK],
        "topk" if chosen else "relu",
        about={"library": "openai/sparse_autoencoder"},
        **chosen,
    )
