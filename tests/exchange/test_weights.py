"""A dictionary of plain values computes what its kind says, and says what is wrong with it."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diabolo.errors import DataError, ParameterError
from diabolo.exchange import Weights

D, N, B = 3, 6, 4
NEEDS = {
    "relu": {},
    "topk": {"k": 2},
    "abs-topk": {"k": 2},
    "group-max": {"k": 2},
    "batch-topk": {"k": 1.5},
    "jumprelu": {"threshold": torch.linspace(0, 1, N)},
    "gated": {"gate_bias": torch.ones(N) / 2, "magnitude_bias": torch.ones(N) / 4, "log_scale": torch.zeros(N)},
}


def drawn(seed: int = 0, target: int = D, **rest) -> Weights:
    torch.manual_seed(seed)
    encoder, bias = torch.randn(N, D), torch.randn(N)
    return Weights(encoder, bias, torch.randn(N, target), torch.randn(target), **rest)


@pytest.mark.parametrize("kind", NEEDS)
def test_codes_are_of_the_pre_activations(kind):
    weights, x = drawn(kind=kind, **NEEDS[kind]), torch.randn(B, D)
    before = (x - weights.decoder_bias) @ weights.encoder.T + weights.encoder_bias
    z = weights.encode(x)
    by_hand = {
        "relu": before.clamp(min=0),
        "topk": before.clamp(min=0) * (before >= before.topk(2).values[:, -1:]),
        "abs-topk": before * (before.abs() >= before.abs().topk(2).values[:, -1:]),
        "group-max": before.clamp(min=0) * (before == before.view(B, 2, 3).amax(2).repeat_interleave(3, 1)),
        "batch-topk": before * (before >= before.clamp(min=0).flatten().sort().values[-6]) * (before > 0),
        "jumprelu": before * (before > weights.threshold if weights.threshold is not None else 0),
        "gated": (before + 0.25).clamp(min=0) * (before > -0.5),
    }
    torch.testing.assert_close(z, by_hand[kind])
    torch.testing.assert_close(weights.decode(z), z @ weights.decoder + weights.decoder_bias)


def test_a_threshold_makes_codes_independent_of_the_batch():
    weights = drawn(kind="batch-topk", k=1, threshold=torch.full((N,), 0.5))
    x = torch.randn(B, D) * torch.tensor([100.0, 1, 1, 1])[:, None]  # the first takes the places of the others
    assert torch.equal(torch.cat([weights.encode(row[None]) for row in x]) != 0, weights.encode(x) != 0)
    together = replace(weights, threshold=None)
    assert (together.encode(x) != 0).sum() == B
    assert not torch.equal(torch.cat([together.encode(row[None]) for row in x]) != 0, together.encode(x) != 0)


@given(seed=st.integers(0, 99), scale=st.floats(0.1, 10), kind=st.sampled_from(sorted(NEEDS)), subtracts=st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_scale_folded_in_computes_the_same(seed, scale, kind, subtracts):
    weights = drawn(seed, kind=kind, subtracts_bias=subtracts, scale=scale, **NEEDS[kind]).to(torch.float64)
    x, folded = torch.randn(B, D, dtype=torch.float64), weights.folded()
    torch.testing.assert_close(folded.encode(x), weights.encode(x))
    torch.testing.assert_close(folded.decode(folded.encode(x)), weights.decode(weights.encode(x)))
    assert folded.scale == 1


@pytest.mark.parametrize("norm", ["layer", "length"])
def test_a_norm_makes_codes_independent_of_the_length_and_is_undone(norm):
    weights, x = drawn(norm=norm), torch.randn(B, D)
    z = weights.encode(x)
    torch.testing.assert_close(weights.encode(3 * x), z, rtol=1e-3, atol=1e-3)
    rebuilt, larger = weights.decode(z, x), weights.decode(z, 3 * x)
    torch.testing.assert_close(larger, 3 * rebuilt, rtol=1e-3, atol=1e-3)
    perfect = Weights(torch.cat([torch.eye(D), -torch.eye(D)]), torch.zeros(N), torch.eye(N)[:, :D], torch.zeros(D))
    perfect = replace(perfect, decoder=perfect.encoder, norm=norm)
    torch.testing.assert_close(perfect.decode(perfect.encode(x), x), x, rtol=1e-3, atol=1e-3)


def test_a_skip_adds_to_the_reconstruction():
    skip = torch.randn(2, D)
    weights = drawn(target=2, skip=skip, subtracts_bias=False, transcodes=True)
    x = torch.randn(B, D)
    z = weights.encode(x)
    plain = replace(weights, skip=None)
    torch.testing.assert_close(weights.decode(z, x), plain.decode(z) + x @ skip.T)
    with pytest.raises(DataError, match="give the samples as x too"):
        weights.decode(z)


def test_another_dtype_is_computed_in():
    weights = drawn(kind="jumprelu", **NEEDS["jumprelu"]).to(torch.float64)
    assert weights.encode(torch.randn(B, D)).dtype == torch.float64
    assert {tensor.dtype for tensor in weights.tensors.values()} == {torch.float64}


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"kind": "tanh"}, ParameterError, "'relu' or 'topk' or"),
        ({"norm": "batch"}, ParameterError, "'none' or 'length' or 'layer'"),
        ({"scale": 0.0}, ParameterError, "a number > 0"),
        ({"subtracts_bias": 1}, ParameterError, "True or False"),
        ({"kind": "topk", "k": 7}, ParameterError, r"an integer in \[1, 6\]"),
        ({"kind": "topk", "k": 1.5}, ParameterError, "an integer"),
        ({"kind": "topk"}, DataError, "needs a k"),
        ({"kind": "gated"}, DataError, "needs a gate_bias"),
        ({"threshold": torch.zeros(N)}, DataError, "has no threshold"),
        ({"kind": "group-max", "k": 4}, DataError, "must be k groups"),
        ({"groups": (3, 2)}, DataError, "sum to the 6 latents"),
        ({"groups": (7, -1)}, DataError, "must be >= 1"),
        ({"encoder": torch.zeros(N)}, DataError, "must be matrices"),
        ({"encoder": torch.zeros(N, 0)}, DataError, "with entries"),
        ({"encoder_bias": torch.zeros(N - 1)}, DataError, r"'encoder_bias' .* the shape \(6,\)"),
        ({"decoder_bias": torch.zeros(D + 1)}, DataError, r"the shape \(3,\)"),
        ({"decoder": torch.zeros(N + 1, D)}, DataError, r"the shape \(6, 3\)"),
        ({"decoder": torch.zeros(N, 2), "decoder_bias": torch.zeros(2)}, DataError, "3 inputs and a target of 2"),
        ({"encoder_bias": torch.zeros(N, dtype=torch.float64)}, DataError, "dtype torch.float32"),
        ({"encoder_bias": torch.full((N,), torch.nan)}, DataError, "finite"),
        ({"skip": torch.zeros(D, D + 1)}, DataError, "'skip'"),
        ({"norm": "layer", "scale": 2.0}, DataError, "either norms its samples or scales them"),
    ],
)
def test_what_is_wrong_is_said(change, error, words):
    with pytest.raises(error, match=words):
        replace(drawn(), **change)


@pytest.mark.parametrize("shape", [(D,), (B, D + 1), (B, D, 1)])
def test_samples_of_another_width_are_refused(shape):
    with pytest.raises(DataError, match=r"\(B, 3\)"):
        drawn().encode(torch.zeros(shape))
    with pytest.raises(DataError, match=r"\(B, 6\)"):
        drawn().decode(torch.zeros(shape))
