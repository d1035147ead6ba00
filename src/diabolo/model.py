"""The one model: a recipe is its composition, an autoencoder is what the recipe builds.

x ──corruption──▶ x̃ ──encoder──▶ h ──latent──▶ code ──decoder──▶ params ──likelihood──▶ distortion
                                        └────▶ rate                └─ penalties

What is known about the samples, their condition, is added to h by a matrix and goes to the decoder beside the code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from diabolo import likelihoods, nets
from diabolo.check import Many, Maybe, Whole, demand
from diabolo.conditioning import Conditioner, Told
from diabolo.corruptions import Corruption
from diabolo.errors import CapabilityError, ParameterError
from diabolo.flow import Batch, Code, Output, Shape, counted
from diabolo.latents import Latent, LatentModule, Plain
from diabolo.likelihoods import Bounds, Likelihood
from diabolo.nets import Linear, Net
from diabolo.nets.net import Skips, repeated
from diabolo.outline import outline
from diabolo.part import Part, Some, knob
from diabolo.penalties import Penalty
from diabolo.penalties.critic import critics_of
from diabolo.penalties.penalty import called
from diabolo.posing import held, pose, shapes
from diabolo.precision import of_nets
from diabolo.pretrainings import Pretraining
from diabolo.sparse import dense


@dataclass(frozen=True)
class Recipe(Part):
    """The composition of an autoencoder: one part per place, every classical type one line.

    Examples
    --------
    >>> from diabolo.latents import TopK
    >>> Recipe(latent=TopK(8))
    Recipe(latent=TopK(k=8))
    >>> print(Recipe().equation())
    loss = ½‖x − D(z)‖²
    z = E(x)
    """

    net: Net = knob(nets.Auto(), Some("nets"), "encoder and decoder")
    latent: Latent = knob(Plain(), Some("latents"), "what the code is, and what it costs")
    likelihood: Likelihood = knob(
        likelihoods.Auto(), Some("likelihoods"), "how far a sample lies from its reconstruction"
    )
    corruption: Corruption | None = knob(None, Maybe(Some("corruptions"), "none"), "noise on the way in, in training")
    penalties: tuple[Penalty, ...] = knob((), Many(Some("penalties"), 16), "further terms of the loss")
    pretraining: Pretraining | None = knob(None, Maybe(Some("pretrainings"), "none"), "trained before the whole")

    def settle(self, shape: Shape, bounds: Bounds | None = None) -> Recipe:
        """Return the recipe with what it leaves open chosen, for samples of `shape` and data with these bounds.

        Examples
        --------
        >>> Recipe().settle((1, 28, 28)).net
        Conv()
        """
        recipe = self.revise(net=self.net.choose(shape)) if isinstance(self.net, nets.Auto) else self
        if isinstance(recipe.likelihood, likelihoods.Auto):
            linear = isinstance(recipe.net, Linear)  # the closed form knows no bounds
            recipe = recipe.revise(likelihood=recipe.likelihood.choose(None if linear else bounds))
        return recipe

    def build(self, shape: Shape, n: int, condition: int = 0, target: Shape | None = None) -> Autoencoder:
        """Return a new autoencoder for samples of `shape` with codes of size `n`, its weights drawn at random.

        Nets whose code is a grid have `n` numbers at each of its places. With a `condition` of K numbers per sample,
        encoder and decoder are told them: see `Conditioner`. What is rebuilt has the shape `target`, if that is another
        than what is seen.

        Raises
        ------
        ParameterError
            If a knob is outside what is allowed, or the parts do not fit the shape.
        """
        self.check()
        demand("n_components", "the recipe", n, Whole(1, 2**20))
        demand("condition", "the recipe", condition, Whole(0, 2**20))
        if self.corruption is not None:
            self.corruption.check_shape(shape)
        for penalty in self.penalties:
            penalty.check_shape(shape)
            penalty.check_latent(self.latent)
        settled, target = self.settle(shape), target or shape
        n = settled.net.code(shape, n)
        latent, width = settled.latent.build(n), settled.latent.width(n)
        encoder, decoder = settled.net.build(shape, width, n + condition, settled.likelihood.shape(target))
        return Autoencoder(settled, shape, n, encoder, latent, decoder, condition, target)

    def equation(self) -> str:
        """Return the loss and what stands in it, as lines of text."""
        terms = [self.likelihood.equation(), self.latent.equation(), *(p.equation() for p in self.penalties)]
        loss = " + ".join(term for term in terms if term != "0")
        others = [part.equation() for part in (self.corruption, self.pretraining) if part is not None]
        return "\n".join([f"loss = {loss}", f"z = E({'x' if self.corruption is None else 'x̃'})", *others])


class Autoencoder(nn.Module):
    """Encoder, latent and decoder, composed by a `Recipe`.

    Parameters
    ----------
    recipe : Recipe
        The composition.
    shape : tuple of int
        Shape of one sample.
    n : int
        Size of the code.
    encoder, latent, decoder : nn.Module
        The parts with weights, built.
    condition : int
        How many numbers are known about each sample.
    target : tuple of int, optional
        Shape of what is rebuilt, if not that of a sample.

    Examples
    --------
    >>> import torch
    >>> model = Recipe().build((30,), 4)
    >>> model.encode(torch.zeros(2, 30)).mean.shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        recipe: Recipe,
        shape: Shape,
        n: int,
        encoder: nn.Module,
        latent: LatentModule,
        decoder: nn.Module,
        condition: int = 0,
        target: Shape | None = None,
    ) -> None:
        super().__init__()
        self.recipe, self.shape, self.n, self.target = recipe, shape, n, target or shape
        self.encoder, self.latent, self.decoder = encoder, latent, decoder
        self.conditioner = Conditioner(condition, recipe.latent.width(n))
        self.critics = critics_of(called(recipe.penalties), n)
        latent.attach(shape, encoder)

    @property
    def decodes_alone(self) -> bool:
        """Whether a code alone can be decoded: not with skips."""
        return self.recipe.net.decodes_alone

    @property
    def has_prior(self) -> bool:
        """Whether codes can be drawn from nothing."""
        return self.recipe.latent.has_prior

    def forward(self, batch: Batch, noise: bool = True) -> Output:
        """Encode, decode and cost a batch; without `noise`, deterministically and uncorrupted."""
        seen, hidden = self.corrupt(batch.x) if noise else (batch.x, None)
        clean = batch.x if self.recipe.net.reads_sparse else dense(batch.x)
        code, skips = self.coded(seen, batch.condition, noise, clean)
        params = self._params(code.z, batch.condition, repeated(skips, len(code.z) // len(seen)))
        return self.cost(batch, code, params.to(seen.dtype), hidden)  # params (K * B, *out)

    def corrupt(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return what the encoder sees of x (B, *shape) in training and, where some of it was hidden, what."""
        noise = self.recipe.corruption
        return (x, None) if noise is None else noise.corrupt(x if noise.reads_sparse else dense(x))

    def cost(self, batch: Batch, code: Code, params: Tensor, hidden: Tensor | None = None) -> Output:
        """Return what the params (K * B, *out) of a code cost: the terms of the loss."""
        target = batch.x if batch.target is None else batch.target  # (B, *self.target)
        distortion, rate, code = self.latent.bound(code, self._distortion(params, target, hidden))  # (B,), (B,)
        output = Output(target, code, params, distortion, rate, {}, batch.weight)
        critics = dict(self.critics.items())
        for name, penalty in called(self.recipe.penalties):
            shown = output if penalty.reads_sparse else replace(output, code=code.dense())
            output.penalties[name] = penalty.penalty(Told(self, batch.condition, critics.get(name)), batch, shown)
        return output

    def hidden(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Skips]:
        """Return what the latent makes a code of, h (B, width), for x (B, *shape), and what the decoder gets beside it.

        Raises
        ------
        DataError
            If the `condition` (B, K) is missing, not wanted or of another shape.
        """
        with of_nets(x.device):
            h, skips = self.encoder(x if self.recipe.net.reads_sparse else dense(x))
        return self.conditioner.into(h.to(x.dtype), condition), skips

    def coded(
        self, x: Tensor, condition: Tensor | None = None, noise: bool = False, clean: Tensor | None = None
    ) -> tuple[Code, Skips]:
        """Return the code of x (B, *shape), and what the decoder gets beside it.

        The code is sparse where the latent keeps few entries of h, and the net lets it find them. What it costs may
        depend on the `clean` samples, of which x may be corrupted.
        """
        map = self.recipe.net.map(self.encoder) if self.recipe.latent.selects and condition is None else None
        if map is not None:
            with of_nets(x.device):
                return self.latent.select(dense(x).flatten(1), map, noise), ()
        h, skips = self.hidden(x, condition)
        return self.latent(h, noise) if clean is None else self.latent.of(clean, h, noise), skips

    def encode(self, x: Tensor, condition: Tensor | None = None) -> Code:
        """Return the deterministic code of x (B, *shape), given the condition (B, K) if there is one."""
        return self.latent(self.hidden(x, condition)[0], False)

    def decode(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the params (B, *out) for codes z (B, n), given the condition (B, K) if there is one.

        Raises
        ------
        CapabilityError, DataError
            If the decoder needs the encoder's skips, or the condition is missing, not wanted or of another shape.
        """
        if not self.decodes_alone:
            raise CapabilityError(
                f"{type(self.recipe.net).__name__} cannot decode a code alone: its decoder needs the encoder's skips. "
                "Use reconstruct, or another net, such as Conv()."
            )
        self.conditioner.demand(condition, len(z))
        return self._params(z, condition)

    def expected(self, params: Tensor, through: bool = False) -> Tensor:
        """Return the expected target (B, *self.target) for params (B, *out), its gradient `through` bounds if asked."""
        return self.recipe.likelihood.through(params) if through else self.recipe.likelihood.mean(params)

    def params(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the params (B, *out) for x (B, *shape), by way of the deterministic code."""
        code, skips = self.coded(x, condition)
        return self._params(code.z, condition, skips)

    def reconstruct(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Return the expected target (B, *self.target) for x (B, *shape), by way of the deterministic code."""
        return self.expected(self.params(x, condition))

    def sample(self, count: int, condition: Tensor | None = None) -> Tensor:
        """Return the expected targets (count, *self.target) of codes drawn from the prior, given the condition.

        Raises
        ------
        CapabilityError
            If the latent has no prior, or the decoder needs the encoder's skips.
        """
        return self.expected(self.decode(self.latent.sample(count), condition))

    def revise(self, path: str, value: object) -> None:
        """Change a knob of the latent, likelihood, corruption or penalties of a built model, as annealing does.

        Raises
        ------
        ParameterError
            If the value is not allowed, or the knob decides the shape of weights.
        """
        if path.split(".")[0].split("__")[0] in ("net", "pretraining"):
            raise ParameterError(f"{path!r} shapes the weights and cannot change once the model is built; build anew.")
        recipe = self.recipe.revise(**{path: value})
        recipe.check()
        if recipe.corruption is not None:
            recipe.corruption.check_shape(self.shape)
        with outline():
            latent = recipe.latent.build(self.n)
            latent.attach(self.shape, self.encoder)
            others = critics_of(called(recipe.penalties), self.n)
        same = shapes(latent) == shapes(self.latent) and shapes(others) == shapes(self.critics)
        same &= type(recipe.latent) is type(self.recipe.latent)
        same &= recipe.likelihood.shape(self.target) == self.recipe.likelihood.shape(self.target)
        if not same:
            raise ParameterError(f"{path!r} = {value!r} changes the shape of weights; build a new model instead.")
        pose(self, held(self), recipe)

    def _params(self, z: Tensor, condition: Tensor | None, skips: Skips = ()) -> Tensor:
        with of_nets(z.device):
            return self.decoder(self.conditioner.beside(z, condition), skips).to(z.dtype)

    def _distortion(self, params: Tensor, target: Tensor, hidden: Tensor | None) -> Tensor:
        draws = len(params) // len(target)
        target = target if draws == 1 else torch.cat([target] * draws)
        return self.recipe.likelihood.total(params, target, None if hidden is None else counted(hidden))


def count_weights(model: nn.Module) -> int:
    """Return how many trainable numbers a model holds, those of critics apart: they only train the others.

    Examples
    --------
    >>> count_weights(nn.Linear(3, 2))
    8
    """
    own = (p for name, p in model.named_parameters() if not name.startswith("critics."))
    return sum(p.numel() for p in own if p.requires_grad)
