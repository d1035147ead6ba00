"""How a pretrained encoder is fine-tuned, as a value."""

from __future__ import annotations

import math
from dataclasses import dataclass

from diabolo.check import Maybe, Number, OneOf, Whole
from diabolo.corruptions import Corruption
from diabolo.estimators.pretraining.consistencies import Consistency
from diabolo.part import Part, Some, knob
from diabolo.training import Training

_CHOSEN = "chosen from the number of labels"


@dataclass(frozen=True)
class Tuning(Part):
    """How labels are learnt: first by a head on features that stay as they are, then by all layers, each at its rate.

    The weights of the encoder are learnt as what they have moved by since pretraining, which weight decay pulls back to
    0, and `rate` and `layer_decay` say how fast they move. The mean over the steps, of the weights of encoder and head,
    is what predicts, and what is judged by held-out labels, if there are at least 500.

    References
    ----------
    Howard, Ruder, "Universal language model fine-tuning for text classification", ACL 2018 (frozen first, rates by
    layer); Li, Grandvalet, Davoine, "Explicit inductive bias for transfer learning", ICML 2018 (decay towards the
    start); Polyak, Juditsky, "Acceleration of stochastic approximation by averaging", 1992.

    Examples
    --------
    >>> Tuning(rate=0.0)
    Tuning(rate=0.0)
    """

    steps: int | None = knob(None, Maybe(Whole(1, 10**9), f"1,000, more for many: {_CHOSEN}"), "steps with labels")
    batch_size: int | None = knob(None, Maybe(Whole(1, 2**20), _CHOSEN), "labelled samples per step")
    learning_rate: float = knob(3e-3, Number(0, open_low=True), "learning rate of a matrix with 512 inputs")
    weight_decay: float = knob(1e-2, Number(0), "decay of the head, and of what the encoder has moved by")
    frozen: float = knob(0.2, Number(0, 1), "share of the steps, at first, in which the encoder stays as it is")
    rate: float = knob(1.0, Number(0), "rate of the encoder's last layer, where the head's is 1; 0 leaves all as it is")
    layer_decay: float = knob(0.8, Number(0, 1), "rate of a layer, where that of the next one is 1")
    averaging: float = knob(0.99, Number(0, 1, open_high=True), "share of the mean of the weights kept at a step")
    validation: float = knob(0.1, Number(0, 0.9), "share of the labels held out, if that makes at least 50")
    patience: int | None = knob(
        None, Maybe(Whole(1, 10**7), "a fifth of the epochs, at least 10"), "epochs without progress before stopping"
    )
    precision: str = knob(
        "auto", OneOf("auto", "float32", "bfloat16"), "arithmetic of the net; auto is what is fastest for it"
    )
    weak: Corruption | None = knob(
        None, Maybe(Some("corruptions"), "chosen from the data"), "noise on labelled samples, and for a teacher"
    )
    consistency: Consistency | None = knob(
        None,
        Maybe(Some("consistencies"), "PseudoLabels, or MeanTeacher of a regressor"),
        "what unlabelled samples cost",
    )

    def batch(self, labels: int) -> int:
        """Return how many labelled samples a step takes.

        Examples
        --------
        >>> [Tuning().batch(labels) for labels in (30, 100, 5000, 50_000)]
        [64, 64, 64, 128]
        """
        return self.batch_size or (64 if labels < 10_000 else 128)

    def length(self, labels: int) -> int:
        """Return how many steps there are: 1,000, or as many as go six times through the labels.

        Examples
        --------
        >>> [Tuning().length(labels) for labels in (100, 60_000)]
        [1000, 2813]
        """
        return self.steps or max(1000, math.ceil(6 * labels / self.batch(labels)))

    def training(self, labels: int, share: float, precision: str) -> Training:
        """Return the training of a share of the steps."""
        return Training(
            steps=max(1, round(share * self.length(labels))),
            batch_size=self.batch(labels),
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            decay=0.4,
            patience=self.patience,
            precision=precision if self.precision == "auto" else self.precision,
        )


TUNING = Tuning()
"""How it is done if nobody says otherwise."""
