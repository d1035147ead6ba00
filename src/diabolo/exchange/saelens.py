"""Folders of SAELens: cfg.json, sae_weights.safetensors and sometimes sparsity.safetensors.

Reference: SAELens 6, https://github.com/decoderesearch/SAELens, `sae_lens/saes`; older configs are read as its
`handle_pre_6_0_config` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diabolo.check import Flag, Number, OneOf, Whole
from diabolo.errors import FileError
from diabolo.exchange.arrays import load_arrays, matrix, tensors_of
from diabolo.exchange.config import Config
from diabolo.exchange.weights import Weights

CONFIG, WEIGHTS, SPARSITY, SCALER = (
    "cfg.json",
    "sae_weights.safetensors",
    "sparsity.safetensors",
    "activation_scaler.json",
)
DTYPES = {"float32": torch.float32, "float64": torch.float64, "float16": torch.float16, "bfloat16": torch.bfloat16}
NORMS = {
    "none": "none",
    "expected_average_only_in": "none",  # one number for all samples, which is in the weights or beside them
    "constant_norm_rescale": "length",
    "layer_norm": "layer",
}


@dataclass(frozen=True)
class Architecture:
    """One architecture of SAELens: its kind here, and its tensors beyond W_enc, W_dec and b_dec."""

    kind: str
    own: tuple[str, ...] = ("b_enc",)
    transcodes: bool = False


ARCHITECTURES = {
    "standard": Architecture("relu"),
    "topk": Architecture("topk"),
    "abstopk": Architecture("abs-topk"),
    "jumprelu": Architecture("jumprelu", ("b_enc", "threshold")),
    "gated": Architecture("gated", ("b_gate", "b_mag", "r_mag")),
    "batchtopk": Architecture("batch-topk", ("b_enc", "topk_threshold")),
    "matryoshka_batchtopk": Architecture("batch-topk", ("b_enc", "topk_threshold")),
    "transcoder": Architecture("relu", transcodes=True),
    "skip_transcoder": Architecture("relu", ("b_enc", "W_skip"), transcodes=True),
    "jumprelu_transcoder": Architecture("jumprelu", ("b_enc", "threshold"), transcodes=True),
    "jumprelu_skip_transcoder": Architecture("jumprelu", ("b_enc", "threshold", "W_skip"), transcodes=True),
}

FIELDS = {
    "b_enc": "encoder_bias",
    "threshold": "threshold",
    "topk_threshold": "threshold",  # one number
    "log_threshold": "threshold",  # of older checkpoints
    "b_gate": "gate_bias",
    "b_mag": "magnitude_bias",
    "r_mag": "log_scale",
    "W_skip": "skip",
}
"""Tensor of SAELens → field of Weights."""

_READ = ("architecture", "d_in", "d_sae", "d_out", "dtype", "device", "k", "metadata", "apply_b_dec_to_input")
_READ_TOO = ("rescale_acts_by_decoder_norm", "normalize_activations", "activation_fn", "activation_fn_str")
_NEVER = ("sae_lens_version", "finetuning_scaling_factor", "activation_fn_kwargs")  # what only its own loader needs
_RENAMED = {"hook_point": "hook_name", "hook_point_head_index": "hook_head_index"}


def read_saelens(folder: Path) -> Weights:
    """Read a dictionary that SAELens saved, for use or within training, or that was written for it.

    Raises
    ------
    FileError
        If the folder is no such dictionary, or of an architecture that is not read.
    """
    config = Config.read(folder / CONFIG)
    name = _architecture(config)
    architecture = ARCHITECTURES[name]
    found = _tensors(folder / WEIGHTS, config, architecture)
    scale = _scale(folder, config)
    encoder = found.pop("W_enc").T  # as it lies, so that products are those of SAELens to the last bit
    decoder, bias = found.pop("W_dec"), found.pop("b_dec")
    own: dict[str, Any] = {FIELDS[key]: _per_latent(key, tensor, len(encoder)) for key, tensor in found.items()}
    encoder_bias = own.pop("encoder_bias", encoder.new_zeros(len(encoder)))
    if scale != 1:
        encoder, decoder, bias = encoder * scale, decoder / scale, bias / scale
    if architecture.kind.endswith("topk") and config.flag("rescale_acts_by_decoder_norm", "batch" in architecture.kind):
        norms = decoder.norm(dim=-1)
        encoder, encoder_bias, decoder = encoder * norms[:, None], encoder_bias * norms, decoder / norms[:, None]
        own |= {key: tensor / scale for key, tensor in own.items()}  # a threshold, in units of the decoder
    return Weights(
        encoder,
        encoder_bias,
        decoder,
        bias,
        architecture.kind,
        k=_k(config, name),
        subtracts_bias=not architecture.transcodes and config.flag("apply_b_dec_to_input", True),
        transcodes=architecture.transcodes or config.part("metadata").flag("transcodes", False),
        norm=_norm(config, architecture),
        groups=_groups(config, len(encoder)),
        sparsity=_sparsity(folder / SPARSITY, encoder),
        about={"library": "SAELens"} | _about(config),
        **own,
    )


def _architecture(config: Config) -> str:
    older = config.values.get("activation_fn", config.values.get("activation_fn_str"))  # before version 6
    activation = Config(config.file, {"activation_fn": older})
    if activation.value("activation_fn", OneOf("relu", "topk", "jumprelu"), "relu") == "topk":
        return "topk"
    return config.value("architecture", OneOf(*ARCHITECTURES), "standard")


def _tensors(file: Path, config: Config, architecture: Architecture) -> dict[str, Tensor]:
    state = load_arrays(file)
    if "scaling_factor" in state and bool((state["scaling_factor"] == 1).all()):
        del state["scaling_factor"]  # which an early version always added
    d, n = matrix(file, state, "W_enc")
    _, target = matrix(file, state, "W_dec")
    for key, size in (("d_in", d), ("d_sae", n), ("d_out", target)):
        config.agree(key, size)
    shapes = {"W_skip": (target, d), "topk_threshold": ()}
    older = {"threshold": "log_threshold"} if "log_threshold" in state else {}
    own = {older.get(key, key): shapes.get(key, (n,)) for key in architecture.own}
    found = tensors_of(file, state, {"W_enc": (d, n), "W_dec": (n, target), "b_dec": (target,)} | own)
    name = config.value("dtype", OneOf(*DTYPES, *(f"torch.{key}" for key in DTYPES)), "float32")
    return {key: tensor.to(DTYPES[name.removeprefix("torch.")]) for key, tensor in found.items()}


def _per_latent(key: str, tensor: Tensor, latents: int) -> Tensor:
    if key == "log_threshold":
        return tensor.exp()
    return tensor.expand(latents).clone() if key == "topk_threshold" else tensor


def _k(config: Config, name: str) -> float | None:
    if "topk" not in name:
        return None
    older = config.part("activation_fn_kwargs").values.get("k")
    plain = Config(config.file, {"k": config.values.get("k", older)})
    return plain.value("k", Number(0, open_low=True) if "batch" in name else Whole(1))


def _norm(config: Config, architecture: Architecture) -> str:
    name = config.values.get("normalize_activations")
    if isinstance(name, bool):  # before version 6
        name = "expected_average_only_in" if name else "none"
    norm = NORMS[
        Config(config.file, {"normalize_activations": name}).value("normalize_activations", OneOf(*NORMS), "none")
    ]
    if norm != "none" and architecture.transcodes:
        raise FileError(
            f"{config.file} is of a transcoder that norms its samples, which is not read; train one without."
        )
    return norm


def _scale(folder: Path, config: Config) -> float:
    """Return what samples are multiplied with, which a checkpoint has beside its weights, others within."""
    if config.values.get("normalize_activations") != "expected_average_only_in" or not (folder / SCALER).is_file():
        return 1.0
    scaler = Config.read(folder / SCALER)
    if scaler.value("has_whitening", Flag(), False):
        raise FileError(f"{scaler.file} is of a whitened checkpoint, which is not read; save it for inference first.")
    return float(scaler.value("scaling_factor", Number(0, open_low=True), 1.0))


def _groups(config: Config, latents: int) -> tuple[int, ...]:
    details = config.part("metadata").values.get("training_architecture_details")
    trained = details if isinstance(details, dict) else {}
    widths = config.values.get("matryoshka_widths") or trained.get("matryoshka_widths") or []
    if not isinstance(widths, list) or not all(width in Whole(1, latents) for width in widths):
        raise FileError(f"{config.file} must give 'matryoshka_widths' as a list of widths up to {latents}.")
    ends = [0, *widths, *([latents] if widths and widths[-1] != latents else [])]
    return tuple(end - start for start, end in pairwise(ends))


def _sparsity(file: Path, encoder: Tensor) -> Tensor | None:
    if not file.is_file():
        return None
    found = tensors_of(file, load_arrays(file), {"sparsity": (len(encoder),)})
    return found["sparsity"].to(encoder.dtype)


def _about(config: Config) -> dict[str, Any]:
    flat = config.rest(*_READ, *_READ_TOO) | config.part("metadata").rest()
    if flat.get("reshape_activations") == "none":
        del flat["reshape_activations"]
    return {_RENAMED.get(name, name): value for name, value in flat.items() if name not in _NEVER}
