"""The report of a dictionary: how its latents are used, cards of some of them, how its atoms lie to one another."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csc_array

from diabolo.data import Stored
from diabolo.estimators.dictionaries.choice import chosen
from diabolo.estimators.dictionaries.intake import unpacked
from diabolo.estimators.dictionaries.neighbours import Neighbours
from diabolo.estimators.dictionaries.samples import Samples
from diabolo.metrics import Sparsity, fvu, sparsity
from diabolo.model import count_weights
from diabolo.report import Page, card, cosine_map, curves, examples, frequencies, nearest

if TYPE_CHECKING:
    from diabolo.estimators.dictionaries.dictionary import Dictionary

Array = NDArray[Any]

_MEASURED = 10_000
"""Samples that are rebuilt, and samples of a file that are looked at, at most."""

_TOP = 8
"""Samples on a card."""


def report(dictionary: Dictionary, X: Any, y: Any = None, latents: Sequence[int] | None = None) -> Page:
    """Return the page, with cards of the latents asked for, or else of often, middling and seldom active ones."""
    with unpacked(X) as source:
        array, rows, count = _looked_at(dictionary, source)
    samples = Samples.of(array.reshape(-1, *dictionary._shape), y, rows, count)
    codes = csc_array(dictionary._codes(array))
    used = sparsity(codes)
    some, how = chosen(np.diff(codes.indptr), latents)
    page = Page(f"Dictionary: {dictionary.model_.n} latents for {' × '.join(map(str, dictionary._shape))}")
    page.paragraph(f"{dictionary.recipe_}\n{dictionary.recipe_.equation()}")
    page.table([_facts(dictionary, array, used)])
    page.heading("How often latents are active")
    page.figure(frequencies(used.frequency), f"Of {len(array)} samples; a latent that is dead here may wake in others.")
    atoms = _atoms(dictionary)
    around = None if atoms is None or len(atoms) < 2 else Neighbours(atoms.reshape(len(atoms), -1))
    if around is not None:
        _lie(page, around)
    if atoms is not None and atoms.ndim == 3:
        page.heading("Layers")
        page.table(list(_layers(atoms)))
    if len(dictionary.history_):
        page.heading("Training")
        page.figure(curves(dictionary.history_.columns))
    page.heading("Latents")
    page.paragraph(how)
    for latent in some:
        _show(page, dictionary, latent, codes, samples, atoms, around)
    return page


def _looked_at(dictionary: Dictionary, source: Any) -> tuple[Array, Array, int]:
    """Return vectors (N, D) to look at, their rows in what is given, and how many that has."""
    array = dictionary._take(source)
    count = array.shape[0]
    if not isinstance(array, Stored):
        return array, np.arange(count), count
    rows = np.arange(0, count, math.ceil(count / _MEASURED))
    return array.take(rows), rows, count


def _facts(dictionary: Dictionary, array: Array, used: Sparsity) -> dict[str, object]:
    """Return the row of numbers; what a transcoder is to rebuild is known from its training alone."""
    some = array[:: math.ceil(len(array) / _MEASURED)]
    unexplained = {"FVU, held out in training": math.nan if dictionary.fvu_ is None else dictionary.fvu_}
    if dictionary.target_scaling_ is None:
        rebuilt = dictionary._summed(dictionary._codes(some)).reshape(len(some), -1)
        unexplained = {"FVU": fvu(some, rebuilt) if np.ptp(some, axis=0).any() else math.nan}
    return {
        "samples": len(array),
        "latents": dictionary.model_.n,
        "L0": used.l0,
        **unexplained,
        "dead": used.dead,
        "dense": used.dense,
        "weights": count_weights(dictionary.model_),
        "epochs": len(dictionary.history_),
        "ended": dictionary.history_.stopped,
    }


def _atoms(dictionary: Dictionary) -> Array | None:
    """Return the atoms (n, *shape) as the model has them: all layers in one scale."""
    with torch.inference_mode():
        atoms = dictionary.recipe_.net.atoms(dictionary.model_.decoder)
    return None if atoms is None else dictionary._formed(atoms.detach().float().cpu().numpy())


def _lie(page: Page, around: Neighbours) -> None:
    page.heading("How atoms lie to one another")
    page.figure(nearest(around.cosines), around.about)
    close = around.closest()
    page.figure(cosine_map(around.between(close), close), "The atoms that are nearest to another, by number.")


def _layers(atoms: Array) -> Iterator[dict[str, object]]:
    """Yield a row for each layer of atoms (n, L, D): how much of them is in it."""
    squares = np.square(atoms).sum(2)
    shares = squares / np.maximum(squares.sum(1, keepdims=True), 1e-300)  # (n, L)
    for layer, share in enumerate(shares.T):
        yield {
            "layer": layer,
            "mean share of the squared length": float(share.mean()),
            "atoms nearly all in it (> 90 %)": int((share > 0.9).sum()),
            "atoms hardly in it (< 10 %)": int((share < 0.1).sum()),
        }


def _show(
    page: Page,
    dictionary: Dictionary,
    latent: int,
    codes: Any,
    samples: Samples,
    atoms: Array | None,
    around: Neighbours | None,
) -> None:
    """Add the card of one latent."""
    entries = slice(codes.indptr[latent], codes.indptr[latent + 1])
    values, places = codes.data[entries], codes.indices[entries]
    caption = f"Active in {len(values) / codes.shape[0]:.3g} of the samples."
    if around is not None:
        other, cosine = around.of(latent)
        caption += f" The nearest atom is {other}, with a cosine of {cosine:.2f}."
    page.heading(f"Latent {latent}")
    atom = None if atoms is None else atoms[latent]
    page.figure(card(values, atom, () if atom is None else _names(dictionary, atom)), caption)
    top = np.argsort(-np.abs(values), kind="stable")[:_TOP]
    if not len(top):
        return
    pictures = samples.pictures(places[top])
    if pictures is not None:
        labels = [f"{samples.rows[places[i]]}: {values[i]:.3g}" for i in top]
        page.figure(examples(pictures, labels), "The samples with the largest values: their row, and the value.")
    else:
        page.table([{"row": int(samples.rows[p]), "value": float(v), **samples.label(p)} for p, v in
                    zip(places[top], values[top], strict=True)])  # fmt: skip


def _names(dictionary: Dictionary, atom: Array) -> list[str]:
    """Return a name for each number of an atom, where there is more to say than its place."""
    if atom.ndim == 2:
        return [f"layer {layer}, {place}" for layer in range(atom.shape[0]) for place in range(atom.shape[1])]
    names = getattr(dictionary, "feature_names_in_", None)
    known = names is not None and dictionary.target_scaling_ is None and len(names) == atom.size
    return [str(name) for name in names] if known and names is not None else []
