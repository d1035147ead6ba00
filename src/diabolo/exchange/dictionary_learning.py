"""Folders of dictionary_learning: ae.pt and config.json.

Reference: dictionary_learning 0.1, https://github.com/saprmarks/dictionary_learning, `load_dictionary` in `utils.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diabolo.check import OneOf, Whole
from diabolo.errors import FileError
from diabolo.exchange.arrays import described, matrix, tensors_of
from diabolo.exchange.config import Config
from diabolo.exchange.weights import Weights

CONFIG, WEIGHTS = "config.json", "ae.pt"
_TRAINED = {
    "StandardTrainer": "AutoEncoder",
    "StandardTrainerAprilUpdate": "AutoEncoder",
    "PAnnealTrainer": "AutoEncoder",
    "GatedSAETrainer": "GatedAutoEncoder",
    "GatedAnnealTrainer": "GatedAutoEncoder",
    "TopKTrainer": "AutoEncoderTopK",
    "TrainerTopK": "AutoEncoderTopK",
    "BatchTopKTrainer": "BatchTopKSAE",
    "MatryoshkaBatchTopKTrainer": "MatryoshkaBatchTopKSAE",
    "JumpReluTrainer": "JumpReluAutoEncoder",
}
"""Trainer → class of the dictionary, where the config names only the trainer."""

State = dict[str, Any]


def from_dictionary_learning(file: Path, state: State, config: Config) -> Weights:
    """Return the dictionary in the state dict of `file`, whose config names its class.

    Raises
    ------
    FileError
        If the class is none of those that are read, or the state is not of that class.
    """
    trainer = config.part("trainer")
    known = {"dict_class": _TRAINED.get(str(trainer.values.get("trainer_class")))} | trainer.rest()
    name = Config(config.file, known).value("dict_class", OneOf(*_CLASSES))
    about = {"library": "dictionary_learning"} | trainer.rest("device", "activation_dim", "dict_size", "k")
    counts = {key: state.pop(key) for key in ("k", "group_sizes") if key in state}
    k = _count(file, counts.get("k", trainer.values.get("k")))
    if trainer.value("k", Whole(0), k or 0) != (k or 0):
        raise FileError(f"{config.file} gives k as {trainer.values['k']}, but {file.name} has {k}; copy both again.")
    return _CLASSES[name](file, state, {"k": k, "about": about, "groups": _groups(file, counts.get("group_sizes"))})


def _linear(file: Path, state: State, own: dict[str, str]) -> dict[str, Tensor]:
    """Return the tensors of two nn.Linear and some `own` vectors, "d" or "n" long."""
    n, d = matrix(file, state, "encoder.weight")
    sizes = {"d": (d,), "n": (n,), "": ()}
    return tensors_of(
        file,
        state,
        {"encoder.weight": (n, d), "decoder.weight": (d, n)} | {name: sizes[key] for name, key in own.items()},
    )


def _autoencoder(file: Path, state: State, rest: dict[str, Any]) -> Weights:
    found = _linear(file, state, {"encoder.bias": "n", "bias": "d"})
    encoder, bias, decoder = found["encoder.weight"], found["encoder.bias"], found["decoder.weight"].T
    norms = decoder.norm(dim=1)
    if not torch.allclose(norms, torch.ones_like(norms)):  # as load_dictionary does, so that codes compare
        encoder, bias, decoder = encoder * norms[:, None], bias * norms, decoder / norms[:, None]
    return Weights(encoder, bias, decoder, found["bias"], "relu", about=rest["about"])


def _april(file: Path, state: State, rest: dict[str, Any]) -> Weights:
    found = _linear(file, state, {"encoder.bias": "n", "decoder.bias": "d"})
    encoder, decoder = found["encoder.weight"], found["decoder.weight"].T
    plain: dict[str, Any] = {"subtracts_bias": False, "about": rest["about"]}
    return Weights(encoder, found["encoder.bias"], decoder, found["decoder.bias"], "relu", **plain)


def _gated(file: Path, state: State, rest: dict[str, Any]) -> Weights:
    own = {"gate_bias": "gate_bias", "magnitude_bias": "mag_bias", "log_scale": "r_mag"}
    found = _linear(file, state, dict.fromkeys(own.values(), "n") | {"decoder_bias": "d"})
    encoder, decoder = found["encoder.weight"], found["decoder.weight"].T
    vectors: dict[str, Any] = {field: found[name] for field, name in own.items()}
    zeros = torch.zeros_like(vectors["gate_bias"])
    return Weights(encoder, zeros, decoder, found["decoder_bias"], "gated", about=rest["about"], **vectors)


def _topk(file: Path, state: State, rest: dict[str, Any]) -> Weights:
    older = {} if "threshold" in state else {"threshold": torch.tensor(-1.0)}
    found = _linear(file, state | older, {"encoder.bias": "n", "b_dec": "d", "threshold": ""})
    about = rest["about"] | {"threshold": _number(file, found["threshold"])}
    decoder = found["decoder.weight"].T
    return Weights(
        found["encoder.weight"], found["encoder.bias"], decoder, found["b_dec"], "topk", k=rest["k"], about=about
    )


def _batch_topk(file: Path, state: State, rest: dict[str, Any]) -> Weights:
    found = _linear(file, state, {"encoder.bias": "n", "b_dec": "d", "threshold": ""})
    encoder, bias, decoder = found["encoder.weight"], found["encoder.bias"], found["decoder.weight"].T
    threshold = found["threshold"].expand(len(bias)).clone()
    return Weights(encoder, bias, decoder, found["b_dec"], "batch-topk", threshold=threshold, **rest)


def _parameters(file: Path, state: State, threshold: str) -> dict[str, Tensor]:
    d, n = matrix(file, state, "W_enc")
    shapes = {"W_enc": (d, n), "b_enc": (n,), "W_dec": (n, d), "b_dec": (d,)}
    return tensors_of(file, state, shapes | {"threshold": (n,) if threshold == "n" else ()})


def _matryoshka(file: Path, state: State, rest: dict[str, Any]) -> Weights:
    found = _parameters(file, state, "")
    threshold = found["threshold"].expand(len(found["b_enc"])).clone()
    vectors = (found["b_enc"], found["W_dec"], found["b_dec"])
    return Weights(found["W_enc"].T, *vectors, "batch-topk", threshold=threshold, **rest)


def _jumprelu(file: Path, state: State, rest: dict[str, Any]) -> Weights:
    found = _parameters(file, state, "n")
    plain = {"threshold": found["threshold"], "subtracts_bias": False, "about": rest["about"]}
    return Weights(found["W_enc"].T, found["b_enc"], found["W_dec"], found["b_dec"], "jumprelu", **plain)


def _count(file: Path, value: Any) -> int | None:
    number: Any = value.tolist() if isinstance(value, Tensor) and value.ndim == 0 else value
    if number is not None and number not in Whole(1):
        raise FileError(f"{file} must give k as an integer >= 1; got {described(number)}.")
    return number


def _groups(file: Path, value: Any) -> tuple[int, ...]:
    if value is None:
        return ()
    if not isinstance(value, Tensor) or value.ndim != 1 or value.is_floating_point() or value.is_complex():
        raise FileError(f"{file} must hold 'group_sizes' as a vector of integers; got {described(value)}.")
    return tuple(int(size) for size in value)


def _number(file: Path, value: Tensor) -> float:
    number = float(value)
    if number != number or number in (float("inf"), -float("inf")):
        raise FileError(f"{file} must hold a finite threshold; got {number}.")
    return number


_CLASSES: dict[str, Callable[[Path, State, dict[str, Any]], Weights]] = {
    "AutoEncoder": _autoencoder,
    "AutoEncoderNew": _april,
    "GatedAutoEncoder": _gated,
    "AutoEncoderTopK": _topk,
    "BatchTopKSAE": _batch_topk,
    "MatryoshkaBatchTopKSAE": _matryoshka,
    "JumpReluAutoEncoder": _jumprelu,
}
"""Class of dictionary_learning → what reads it."""
