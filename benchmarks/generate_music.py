"""Measure how probable music is under `Generator`, and how like it new music is, against first-order Markov chains.

``python -m benchmarks.generate_music [--sets S ...] [--rounds R] [--draws K] [--steps N] [--midi FOLDER]
[--write FILE]``: chorales of Bach in four voices by sixteenths, and folk tunes of Nottingham as piano rolls. Learnt
from windows of 64 steps of the training pieces, one every 16 steps and 4,000 at most; tested on those of the test
pieces, side by side, less what is over at the end. A round is a seed of training.

Music is categories under `Stepwise`: a chorale in four voices, each a rest or a pitch; a tune in two, its highest key
and the set of those below, where the sets of less than 50 training steps are one. It goes through a recurrent
variational autoencoder, and codes are drawn from a mixture of normal distributions fitted to those of training. A step
costs minus the importance-weighted bound of its window over 64: nats, of all voices together, and too many if anything.
The chains begin anew with each window as well.

Chains of first order: of each voice for itself, smoothed by the shares of its categories, and of whole steps,
which falls back to shares of steps and, for those never seen, to the chain of the voices. The weight of the smoothing
is the one under which the validation pieces are most probable.

How like music is: total variation from the test pieces in histograms of the intervals by which a voice moves (of a
tune: its highest key), of pitch classes, and of how long notes last; "real" are the validation pieces.

Targets: fewer nats a step than the chains, nearer intervals. With ``--midi``, eight new pieces of each set and side are
written there, to be listened to.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from scipy.io import loadmat

from benchmarks.chains import Chain, Steps, Voices, chosen
from benchmarks.report import Report, parser
from benchmarks.workers.sets import FOLDER
from diabolo import Generator, Recipe, Training
from diabolo.data import midi
from diabolo.latents import Gaussian
from diabolo.likelihoods import Stepwise
from diabolo.nets import Recurrent
from diabolo.priors import Mixture

LENGTH, STRIDE, MOST, SIZE, BATCH = 64, 16, 4000, 32, 64
PARTS = ("train", "valid", "test")
LOWEST, HIGHEST = 36, 81  # of the chorales
LOWEST_KEY = 21  # of a piano
RARE = 50
_FAR = 13  # intervals of more than an octave count as one
_LONG = 33  # so do notes of more than 32 steps


@dataclass(frozen=True)
class Music:
    """A set of pieces.

    Parameters
    ----------
    pieces : mapping
        From "train", "valid" and "test" to pieces (T, V) of categories.
    keys : np.ndarray
        (V, K, 128), which pitches the categories of each voice are.
    moving : slice
        Voices that have one pitch at a time.
    steps : int
        Of a quarter.
    """

    pieces: dict[str, list[np.ndarray]]
    keys: np.ndarray
    moving: slice
    steps: int

    @property
    def classes(self) -> int:
        """How many categories a voice has."""
        return self.keys.shape[1]

    def shown(self, windows: np.ndarray) -> np.ndarray:
        """Return windows (N, T, V) as a generator takes them, (N, T, V * K) of 0 and 1."""
        return np.eye(self.classes, dtype=np.float32)[windows].reshape(*windows.shape[:2], -1)

    def heard(self, samples: np.ndarray) -> np.ndarray:
        """Return what a generator gives as windows (N, T, V)."""
        return samples.reshape(*samples.shape[:2], -1, self.classes).argmax(3)

    def played(self, windows: np.ndarray) -> np.ndarray:
        """Return which pitches each voice sounds, (N, T, V, 128)."""
        return self.keys[np.arange(len(self.keys)), windows]

    def lines(self, windows: np.ndarray) -> np.ndarray:
        """Return the pitches (N, T, L) of voices that have one at a time, −1 where they rest."""
        played = self.played(windows)[:, :, self.moving]
        return np.where(played.any(3), played.argmax(3), -1)


def chorales() -> Music:
    """Return the chorales: category 0 is a rest."""
    pieces = {}
    with np.load(FOLDER / "jsb" / "jsb16_satb.npz", allow_pickle=False) as file:
        for part in PARTS:
            every = file[part].astype(np.int64)
            categories = np.where(every < 0, 0, every - LOWEST + 1)
            pieces[part] = np.split(categories, file[f"{part}_offsets"][1:-1])
    pitches = np.zeros((HIGHEST - LOWEST + 2, 128), dtype=bool)
    pitches[np.arange(1, len(pitches)), np.arange(LOWEST, HIGHEST + 1)] = True
    return Music(pieces, np.stack([pitches] * 4), slice(4), 4)


def tunes() -> Music:
    """Return the tunes: category 0 is a rest, 1 of the second voice a set of keys that is rare in training."""
    file = loadmat(FOLDER / "pianoroll" / "Nottingham.mat")
    rolls = {part: [roll > 0 for roll in file[f"{part}data"][0]] for part in PARTS}
    sets, counts = np.unique(below(np.concatenate(rolls["train"])), axis=0, return_counts=True)
    sets = sets[counts >= RARE]
    sets = sets[np.lexsort((sets.sum(1), sets.argmax(1)))]  # neighbours have a key in common
    known = {key.tobytes(): at for at, key in enumerate(sets[sets.any(1)], 2)} | {bytes(88): 0}
    pieces = {
        part: [np.stack([highest(roll), [known.get(key.tobytes(), 1) for key in below(roll)]], 1) for roll in each]
        for part, each in rolls.items()
    }
    keys = np.zeros((2, max(89, 1 + len(known)), 128), dtype=bool)
    keys[0, np.arange(1, 89), np.arange(LOWEST_KEY, LOWEST_KEY + 88)] = True
    keys[1, 2 : 1 + len(known), LOWEST_KEY : LOWEST_KEY + 88] = sets[sets.any(1)]
    return Music(pieces, keys, slice(1), 2)


def highest(roll: np.ndarray) -> np.ndarray:
    """Return the highest key that is down, (T,), counted from 1; 0 where none is."""
    return np.where(roll.any(1), roll.shape[1] - roll[:, ::-1].argmax(1), 0)


def below(roll: np.ndarray) -> np.ndarray:
    """Return a roll (T, 88) without the highest key of each step."""
    return roll & (np.arange(1, roll.shape[1] + 1) != highest(roll)[:, None])


SETS: dict[str, Callable[[], Music]] = {"chorales": chorales, "tunes": tunes}


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    torch.set_num_threads(arguments.threads[0])
    report = Report("Music: ours against Markov chains", arguments, seeds="one for each, from 0")
    report.versions |= {"diabolo": version("diabolo"), "torch": version("torch")}
    report.add(
        f"Trained for {arguments.steps} steps of {BATCH} windows; {arguments.draws} draws of the bound. Nats are of a",
        "step of test windows; the rest is total variation from the test pieces, the less the nearer.",
    )
    for name in arguments.sets:
        report.add("", f"## {name}", "", "| who | nats a step | intervals | pitch classes | lengths | seconds |")
        report.add("|" + "---|" * 6)
        measured(name, SETS[name](), arguments, report)
    report.finish()


def measured(name: str, music: Music, arguments: Namespace, report: Report) -> None:
    """Add the rows of a set."""
    test, valid = (cut(music.pieces[part], LENGTH) for part in ("test", "valid"))
    report.add(f"| real | | {told(music, test, valid)} | |")
    for title, fit in (("each for itself", Voices), ("whole steps", Steps)):
        started = perf_counter()
        chain: Chain = chosen(lambda weight, fit=fit: fit(music.pieces["train"], music.classes, weight), valid)
        made = chain.sample(len(test), LENGTH, np.random.default_rng(0))
        nats = chain.nats(test).mean() / LENGTH
        report.add(f"| chain, {title} | {nats:.3f} | {told(music, test, made)} | {perf_counter() - started:.0f} |")
        kept(arguments.midi, f"{name}-chain-{title.split()[0]}", music, made)
    for seed in range(arguments.rounds):
        started = perf_counter()
        generator = trained(music, seed, arguments.steps)
        seconds = perf_counter() - started
        nats = -generator.log_likelihood(music.shown(test), arguments.draws) / LENGTH
        made = music.heard(np.asarray(generator.sample(len(test), seed=seed, draw=True)))
        error = nats.std(ddof=1) / len(nats) ** 0.5
        cells = f"{nats.mean():.3f} ± {error:.3f} | {told(music, test, made)} | {seconds:.0f}"
        report.add(f"| diabolo, seed {seed} | {cells} |")
        kept(arguments.midi, f"{name}-diabolo-{seed}", music, made)


def trained(music: Music, seed: int, steps: int) -> Generator:
    """Return a generator of the training pieces."""
    recipe = Recipe(Recurrent("gru", hidden=128), Gaussian(), Stepwise(music.classes))
    training = Training(steps=steps, batch_size=BATCH)
    generator = Generator(SIZE, recipe=recipe, training=training, random_state=seed, density=Mixture(10), device="cpu")
    windows = cut(music.pieces["train"], STRIDE)
    return generator.fit(music.shown(windows[:: -(-len(windows) // MOST)]))


def cut(pieces: list[np.ndarray], stride: int) -> np.ndarray:
    """Return the whole windows (N, LENGTH, V) of pieces that begin every `stride` steps."""
    found = [piece[start : start + LENGTH] for piece in pieces for start in range(0, len(piece) - LENGTH + 1, stride)]
    return np.stack(found)


def told(music: Music, test: np.ndarray, other: np.ndarray) -> str:
    """Return how far other windows are from those of test, as cells."""
    ways = (intervals, pitch_classes, lengths)
    return " | ".join(f"{distance(way(music, test), way(music, other)):.3f}" for way in ways)


def intervals(music: Music, windows: np.ndarray) -> np.ndarray:
    """Return how often voices move by so many semitones, from an octave and more down to as much up."""
    lines = music.lines(windows)
    before, after = lines[:, :-1], lines[:, 1:]
    moved = (before >= 0) & (after >= 0) & (before != after)
    by = (after - before)[moved].clip(-_FAR, _FAR)
    return np.bincount(by + _FAR, minlength=2 * _FAR + 1)


def pitch_classes(music: Music, windows: np.ndarray) -> np.ndarray:
    """Return how many steps each of the twelve pitch classes sounds."""
    by_pitch = music.played(windows).sum((0, 1, 2))  # (128,)
    return np.bincount(np.arange(128) % 12, by_pitch, 12)


def lengths(music: Music, windows: np.ndarray) -> np.ndarray:
    """Return how many notes last 1, 2, … steps within their window."""
    found = np.zeros(_LONG + 1)
    for window in windows:
        played = music.played(window[None])[0].reshape(len(window), -1)
        played = played[:, played.any(0)].T
        change = np.diff(np.pad(played, ((0, 0), (1, 1))).astype(np.int8), axis=1)  # begins and ends by turns
        begin, end = (np.argwhere(change == sign)[:, 1] for sign in (1, -1))
        np.add.at(found, (end - begin).clip(max=_LONG), 1)
    return found


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return the total variation between two histograms of counts."""
    return float(np.abs(a / a.sum() - b / max(b.sum(), 1)).sum() / 2)


def kept(folder: Path | None, name: str, music: Music, windows: np.ndarray) -> None:
    """Write the first eight windows as files of music."""
    if folder is None:
        return
    for number, window in enumerate(windows[:8]):
        heard = music.played(window[None])[0].any(1)
        midi.write(folder / f"{name}-{number}.mid", heard, tempo=90, steps=music.steps)


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=3, threads=(1,))
    reader.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), help="some sets instead of both")
    reader.add_argument("--draws", type=int, default=100, help="codes of the bound")
    reader.add_argument("--steps", type=int, default=2000, help="of training")
    reader.add_argument("--midi", type=Path, help="folder for new pieces")
    return reader.parse_args()


if __name__ == "__main__":
    main()
