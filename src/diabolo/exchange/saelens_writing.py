"""Write a dictionary as the folder that SAELens 6 loads, and with it what is built on SAELens."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diabolo.errors import CapabilityError, FileError
from diabolo.exchange.saelens import ARCHITECTURES, CONFIG, DTYPES, FIELDS, NORMS, SPARSITY, WEIGHTS
from diabolo.exchange.weights import Weights
from diabolo.files import FilePath
from diabolo.files.disk import explained, real, replace_folder
from diabolo.files.tensors import pack

_VERSION = "6.0.0"  # the first SAELens with this format; without it, its loader takes the config for an older one


def write(weights: Weights, path: FilePath) -> None:
    """Write a folder of SAELens 6, whole or not at all, in place of an older one if there is one.

    A scale is folded into the weights. What SAELens has no name for is written as what computes the same: a
    "batch-topk" dictionary with a threshold as "jumprelu", as SAELens does itself.

    Parameters
    ----------
    weights : Weights
    path : path
        Of the folder. Missing parents are made.

    Raises
    ------
    CapabilityError
        If SAELens has no architecture that computes the same.
    FileError
        If something other than a folder of SAELens is there, or the path cannot be written; what was there stays.

    Examples
    --------
    >>> import tempfile
    >>> from diabolo.exchange import read
    >>> atoms = torch.eye(3)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Weights(atoms, torch.zeros(3), atoms, torch.zeros(3), "topk", k=2), f"{folder}/sae")
    ...     read(f"{folder}/sae").k
    2
    """
    target = real(path)
    folded = _expressed(weights.folded())
    architecture = _named(folded)
    files = {
        CONFIG: _config(target, folded, architecture),
        WEIGHTS: pack(target, _tensors(folded, architecture)),
    }
    if folded.sparsity is not None:
        files[SPARSITY] = pack(target, {"sparsity": folded.sparsity})
    with explained(target, "written"):
        if target.exists() and not _replaceable(target):
            raise FileError(f"{target} exists and is no folder of SAELens; choose another path, or move it away first.")
        replace_folder(target, files)


def _expressed(weights: Weights) -> Weights:
    """Return what computes the same in the terms of SAELens."""
    if weights.kind == "batch-topk" and weights.threshold is not None:
        about = {"training_architecture": "batchtopk", "training_k": weights.k} | dict(weights.about)
        weights = replace(weights, kind="jumprelu", k=None, about=about)
    if weights.skip is not None and weights.subtracts_bias:  # its transcoders do not subtract
        shifted = weights.encoder_bias - weights.encoder @ weights.decoder_bias
        weights = replace(weights, encoder_bias=shifted, subtracts_bias=False)
    return weights


def _named(weights: Weights) -> str:
    needed = weights.transcodes or weights.skip is not None or weights.target != weights.inputs
    for name, architecture in ARCHITECTURES.items():
        fits = architecture.kind == weights.kind and ("W_skip" in architecture.own) == (weights.skip is not None)
        plain = not needed or (weights.kind not in ("relu", "jumprelu") and weights.target == weights.inputs)
        if fits and architecture.transcodes != plain and "topk_threshold" not in architecture.own:
            return name
    advice = (
        "a threshold" if weights.kind == "batch-topk" else "a kind of its own, or no skip and a target like the input"
    )
    raise CapabilityError(
        f"SAELens has no architecture for a {weights.kind!r} dictionary of {weights.inputs} inputs and a target of "
        f"{weights.target}{'' if weights.skip is None else ', with a skip'}; give it {advice}."
    )


def _tensors(weights: Weights, architecture: str) -> dict[str, Tensor]:
    own = {name: getattr(weights, FIELDS[name]) for name in ARCHITECTURES[architecture].own}
    return {"W_enc": weights.encoder.T, "W_dec": weights.decoder, "b_dec": weights.decoder_bias} | own


def _config(target: Path, weights: Weights, architecture: str) -> bytes:
    reshape = weights.about.get("reshape_activations")
    config: dict[str, Any] = {
        "architecture": architecture,
        "d_in": weights.inputs,
        "d_sae": weights.latents,
        "dtype": next(name for name, dtype in DTYPES.items() if dtype == weights.encoder.dtype),
        "device": "cpu",
        "apply_b_dec_to_input": weights.subtracts_bias,
        "normalize_activations": next(name for name, norm in NORMS.items() if norm == weights.norm),
        "reshape_activations": "hook_z" if reshape == "hook_z" else "none",
        "metadata": dict(weights.about) | {"sae_lens_version": _VERSION},
    }
    if weights.k is not None:
        config |= {"k": weights.k, "rescale_acts_by_decoder_norm": False}
    if ARCHITECTURES[architecture].transcodes:
        config["d_out"] = weights.target
    elif weights.transcodes:  # which SAELens has no word for where widths are equal; it computes the same
        config["metadata"]["transcodes"] = True
    if weights.groups:
        config["metadata"]["training_architecture_details"] = _details(weights)
    try:
        return json.dumps(config, indent=1, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise FileError(f"The 'about' for {target} is no plain JSON ({error}); give finite plain values.") from error


def _details(weights: Weights) -> dict[str, Any]:
    given = weights.about.get("training_architecture_details")
    widths = torch.tensor(weights.groups).cumsum(0).tolist()
    return (given if isinstance(given, dict) else {}) | {"matryoshka_widths": widths}


def _replaceable(target: Path) -> bool:
    names = {file.name for file in target.iterdir()} if target.is_dir() else {"a file"}
    return names <= {CONFIG, WEIGHTS, SPARSITY} and names != {CONFIG}
