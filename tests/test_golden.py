"""Every part still computes what it computed: float64 fingerprints at fixed inputs.

``python -m tests.test_golden`` writes the file anew, after a change that is meant to change numbers. The fingerprints
cannot tell whether the numbers were right when they were written; the other tests do. The random numbers are those of
torch's generator on the CPU.
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from diabolo import corruptions, latents, likelihoods, penalties, priors
from diabolo.flow import Batch, Code, Output
from diabolo.nets import Atoms, Linear, Net
from diabolo.part import PARTS, Part
from diabolo.penalties.revive import Activity

FILE = Path(__file__).parent / "golden" / "parts.json"


def wave(*shape: int, step: float = 0.7) -> Tensor:
    return torch.sin(step * torch.arange(1, math.prod(shape) + 1, dtype=torch.float64)).view(shape)


def fingerprint(*values: Tensor) -> list[float]:
    flat = torch.cat([value.detach().double().flatten() for value in values])
    along = torch.cos(torch.arange(len(flat), dtype=torch.float64))
    return [float(f"{number:.12g}") for number in (flat.sum(), flat.square().sum(), flat @ along)]


def corrupted(part: corruptions.Corruption) -> list[float]:
    x = wave(4, 4 if isinstance(part, corruptions.Gaps) else 3, 8, 8)
    seen, hidden = part.corrupt(x)
    return fingerprint(seen) if hidden is None else fingerprint(seen, hidden)


def coded(part: latents.Latent) -> list[float]:
    module, h = part.build(4).double(), wave(6, part.width(4))
    module(h, noise=True)  # learns what there is to learn
    h.requires_grad_()
    code = module(h, noise=True)
    still = module(h, noise=False)
    distortion, rate, _ = module.bound(code, code.z.square().sum(1))
    (slope,) = torch.autograd.grad((distortion + rate).sum(), h)
    return fingerprint(code.z, code.mean, distortion, rate, still.z, still.rate, slope, *module.buffers())


def rebuilt(part: likelihoods.Likelihood) -> list[float]:
    shape = (4,)
    params, target = wave(3, *part.shape(shape), step=0.3), wave(3, *shape).square()
    return fingerprint(part.distortion(params, target), part.mean(params), part.sample(params))


class Model(nn.Module):
    """A linear encoder with fixed weights, then a tanh; a linear decoder, then another."""

    def __init__(self, critic: nn.Module | None, shape: tuple[int, ...], net: Net) -> None:
        super().__init__()
        self.critic = critic
        self.encoder, self.decoder = (net.double() for net in net.build(shape, 3, 3, shape))
        for weight in (*self.encoder.parameters(), *self.decoder.parameters()):
            weight.data = wave(*weight.shape)

    def encode(self, x: Tensor) -> Code:
        z = self.encoder(x)[0].tanh()
        return Code(z, z, z.new_zeros(len(z)), {"log_var": -z, "gate": z.relu()})

    def decode(self, z: Tensor) -> Tensor:
        return self.decoder(z).tanh()

    def expected(self, params: Tensor, through: bool = False) -> Tensor:
        return params


def penalised(part: penalties.Penalty) -> list[float]:
    shape = (1, 12, 12) if isinstance(part, penalties.Similarity) else (5,)
    critic, atoms = part.build(3), isinstance(part, penalties.Revive)
    model, x = Model(critic, shape, Atoms() if atoms else Linear()), wave(6, *shape, step=0.3)
    if isinstance(critic, Activity):
        critic.since += torch.tensor([0.0, 99.0, 99.0])  # two of three latents are dead
    weights = [
        model.get_parameter("encoder.weight" if atoms else "encoder.map.weight"),
        *(model.critic.parameters() if model.critic else ()),
    ]
    for weight in weights[1:]:
        weight.data = wave(*weight.shape) / weight.shape[-1] ** 0.5
    code = model.encode(x)
    value = part.penalty(model, Batch(x), Output(x, code, model.decode(code.z), code.rate, code.rate)).sum()
    return fingerprint(value, *torch.autograd.grad(value, weights))


def distributed(part: priors.Prior) -> list[float]:
    module, z = part.build(4), wave(6, 4).requires_grad_()
    encoder = Linear().build((5,), 8, 4, (5,))[0]
    module.attach((5,), encoder)
    for weight in (*module.parameters(), *encoder.parameters()):
        weight.data = wave(*weight.shape)
    module.double()
    log_p = module.log_density(z)
    return fingerprint(log_p, torch.autograd.grad(log_p.sum(), z)[0], module.sample(5))


def told(part: priors.TokenPrior) -> list[float]:
    module, indices = part.over(3, 5, 2).double().eval(), torch.arange(12).view(4, 3) % 5
    for weight in module.parameters():
        weight.data = wave(*weight.shape) / weight.shape[-1] ** 0.5
    log_p, first = module.log_probability(indices, wave(4, 2)), next(module.parameters())
    return fingerprint(log_p, torch.autograd.grad(log_p.sum(), first)[0], module.sample(4, wave(4, 2)))


_ROOMS: list[tuple[Callable[..., list[float]], ModuleType, tuple[Part, ...]]] = [
    (
        corrupted,
        corruptions,
        (
            corruptions.GaussianNoise(),
            corruptions.Masking(),
            corruptions.SaltAndPepper(),
            corruptions.SwapNoise(),
            corruptions.MaskPatches(size=2),
            corruptions.Grayscale(),
            corruptions.BlindSpot(0.1, span=1),
            corruptions.Chain((corruptions.Blur(), corruptions.GaussianNoise(0.5), corruptions.Clip())),
        ),
    ),
    (
        coded,
        latents,
        (
            latents.Plain(),
            latents.L1(),
            latents.KLSparsity(),
            latents.TopK(),
            latents.TopK(2),
            latents.BatchTopK(2),
            latents.Gaussian(2.0, 0.1),
            latents.Gaussian(samples=3),
            latents.Gaussian(capacity=1.0),
            latents.Gaussian(prior=priors.Mixture(3)),
            latents.Ladder(),
            latents.Ladder(prior=priors.Mixture(3)),
            latents.VectorQuantized(3, dim=2),
            latents.ResidualQuantized(3, dim=2, depth=2),
            latents.FSQ(),
            latents.FSQ(3),
        ),
    ),
    (
        rebuilt,
        likelihoods,
        (
            likelihoods.Auto(),
            likelihoods.SquaredError(),
            likelihoods.SquaredError(0.3),
            likelihoods.Clipped((-0.5,), (0.5,)),
            likelihoods.Laplace(),
            likelihoods.Gaussian(),
            likelihoods.Gaussian(0.01),
            likelihoods.Bernoulli(),
            likelihoods.Categorical(),
            likelihoods.Multinomial(),
            likelihoods.Mixed((likelihoods.Gaussian(), likelihoods.Categorical(3)), (1, 3)),
        ),
    ),
    (penalised, penalties, (penalties.Contractive(), penalties.MMD(), penalties.Orthogonal())),
    (
        distributed,
        priors,
        (
            priors.Normal(),
            priors.Mixture(3),
            priors.Mixture(3, "full"),
            priors.Flow(2, 4),
            priors.VampPrior(7),
            priors.Composite(),
        ),
    ),
    (told, priors, (priors.Autoregressive(8), priors.MADE(8))),
]


def cases() -> dict[str, tuple[Callable[..., list[float]], Part]]:
    """Return the parts above, and with its defaults each that is not among them, by role and what they print."""
    found, above = {}, {type(part) for _, _, parts in _ROOMS for part in parts}
    for compute, room, parts in _ROOMS:
        every = PARTS[room.__name__[8:]].values()
        others = [cls for cls in every if cls not in above and cls.__module__.startswith(room.__name__)]
        found |= {f"{part.role}.{part!r}": (compute, part) for part in (*parts, *(cls() for cls in others))}
        above |= set(others)
    return found


CASES = cases()
LISTED = {f"{room.__name__[8:]}.{name}" for _, room, _ in _ROOMS for name in room.__all__}


def computed(name: str) -> list[float]:
    torch.manual_seed(0)
    compute, part = CASES[name]
    return compute(part)


def test_what_has_a_fingerprint_is_a_part_that_its_room_lists():
    names = json.loads(FILE.read_text())
    assert set(names) <= set(CASES)
    assert {name.partition("(")[0] for name in names} <= LISTED


@pytest.mark.parametrize("name", CASES)
def test_the_numbers_are_those_of_the_file(name: str):
    known = json.loads(FILE.read_text())
    if name not in known and name.partition("(")[0] not in LISTED:
        pytest.skip(f"{name} has no fingerprint: `python -m tests.test_golden` writes one")
    assert name in known, "no fingerprint: write it with `python -m tests.test_golden`"
    assert computed(name) == pytest.approx(known[name], rel=1e-9, abs=1e-9)


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(computed(name))}" for name in CASES)
    FILE.write_text(f"{{\n{lines}\n}}\n")
