"""Measure how good `Compressor` keeps photographs at a rate, beside JPEG, WebP, AVIF and JPEG XL.

``python -m benchmarks.compress_images [--only SET ...] [--ways WAY ...] [--model PATH] [--crop PIXELS] [--write
FILE]``: PSNR over the three colours of the photographs Kodak 1 to 6 (768 × 512), against the bytes of whole files. JPEG
is Pillow's, optimised, progressive, 4:2:0; WebP has method 6; AVIF speed 6, 4:2:0; JPEG XL effort 7, by distance (it is
tuned for the eye, and PSNR understates it). The quality is swept, the curve of each image is interpolated linearly in
the logarithm of its rate, and the mean over images is told; nothing is extrapolated.

Ours is one model for all rates, asked for one after the other by `Rate`: loaded from ``--model``, which has to have
been fitted to other photographs, or fitted here to the 40 of ``bsds_color_train80`` with everything at its default. Its
files are those without the model, whose bytes are told: they are in a file only where that is asked for.

There are no test photographs of BSDS in colour at hand, those 40 being what is learnt from; "set12" are the twelve grey
ones of Set12 as RGB, of which PSNR is that of grey, and whose rates say little about colour.

Targets at .5 bits per pixel: 2 dB above JPEG, and not below WebP. Published factorised priors, trained for millions of
steps, have 31.83 dB on all 24 of Kodak.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.compression import OURS, Blocks, by_turns, pinned, scratch, ways, workers
from benchmarks.report import Report, parser
from benchmarks.workers.curves import interpolated
from benchmarks.workers.sets import FOLDER

Photos = dict[str, NDArray[np.uint8]]

WAYS = (OURS, "JPEG", "WebP", "AVIF", "JPEG XL")
SETS = {"kodak": "kodak24", "set12": "set12_gray"}
TRAIN = "bsds_color_train80"
RATES = (0.15, 0.25, 0.35, 0.5, 0.75, 1.0, 1.5)
"""Bits per pixel that the page has columns for."""
ASKED = (0.12, 0.17, 0.24, 0.34, 0.48, 0.68, 0.96, 1.35, 1.9)
"""Bits per pixel that ours is asked for."""
AT = 0.5
"""Bits per pixel at which seconds are taken, and single photographs are told of."""


def photographs(folder: str, crop: int = 0) -> Photos:
    """Return photographs (H, W, 3) by name, or the middle of each, at most so many pixels high and wide."""
    from PIL import Image

    found = {}
    for path in sorted((FOLDER / "img" / folder).iterdir()):
        photo = np.asarray(Image.open(path).convert("RGB"))
        found[path.stem] = np.ascontiguousarray(photo[tuple(middle(size, crop) for size in photo.shape[:2])])
    return found


def middle(size: int, crop: int) -> slice:
    """Return where the middle of so many pixels is; all of them if `crop` is 0 or more than there are."""
    first = max(0, size - crop) // 2 if crop else 0
    return slice(first, first + (min(crop, size) or size))


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    seeds = "the weights of ours from seed 0, or those of the file"
    report = Report("Photographs: ours, JPEG, WebP, AVIF and JPEG XL", arguments, seeds=seeds)
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        settings = {"at": AT, "model": str(arguments.model) if arguments.model else "", "train": ""}
        if OURS in arguments.ways and not arguments.model:
            settings["train"] = kept(folder / "train.npz", photographs(TRAIN))
        started = stack.enter_context(workers(arguments.ways, "pictures", "picture_codecs", settings))
        for name in arguments.only:
            path = kept(folder / "photos.npz", photographs(SETS[name], arguments.crop))
            found, failures = by_turns(started, report, arguments.ways, name, path=path, rates=ASKED, at=AT)
            report.add("", f"## {name}: PSNR in dB at bits per pixel", "", *table(found), "", *single(found), *failures)
    report.versions |= pinned("codecs")
    report.finish()


def kept(path: Path, photos: Photos) -> str:
    """Write photographs for the workers, and return where."""
    np.savez(path, **cast(Any, photos))
    return str(path)


def table(found: Mapping[str, Blocks]) -> list[str]:
    """Return a row for each way: PSNR at each rate, a mean over images, and seconds."""
    told = ("lowest–highest", "encode, s an image", "decode, s", "to fit, s", "model, bytes")
    heads = [*(f"{rate:g}" for rate in RATES), *told]
    lines = ["| way | " + " | ".join(heads) + " |", "|" + "---|" * (1 + len(heads))]
    for way, blocks in found.items():
        curves = blocks[0]["curves"]
        levels = np.mean([interpolated(curve, RATES) for curve in curves.values()], 0)
        ends = np.array([(min(curve)[0], max(curve)[0]) for curve in curves.values()])
        cells = ["–" if np.isnan(level) else f"{level:.2f}" for level in levels]
        cells.append(f"{ends[:, 0].max():.2f}–{ends[:, 1].min():.2f}")
        cells += [f"{np.median([block[what] for block in blocks]):.3f}" for what in ("encode", "decode")]
        cells += [f"{blocks[0]['fit']:.0f}", f"{blocks[0]['model']:,}"] if "model" in blocks[0] else ["", ""]
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
    return lines


def single(found: Mapping[str, Blocks]) -> list[str]:
    """Return a row for each way: PSNR of every image at one rate."""
    curves = {way: blocks[0]["curves"] for way, blocks in found.items()}
    names = list(next(iter(curves.values()), {}))
    lines = [f"| at {AT:g} | " + " | ".join(names) + " |", "|" + "---|" * (1 + len(names))]
    for way, each in curves.items():
        lines.append(f"| {way} | " + " | ".join(levels([each[name] for name in names])) + " |")
    return lines


def levels(curves: Sequence[Sequence[Sequence[float]]]) -> list[str]:
    """Return PSNR of each curve at the one rate."""
    found = [float(interpolated(curve, [AT])[0]) for curve in curves]
    return ["–" if np.isnan(level) else f"{level:.2f}" for level in found]


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=1)
    reader.add_argument("--only", nargs="+", choices=SETS, default=["kodak"], help="which photographs")
    reader.add_argument("--model", type=Path, help="a saved compressor, instead of fitting one")
    reader.add_argument("--crop", type=int, default=0, help="only the middle of each photograph; 0 for all")
    ways(reader, WAYS)
    return reader.parse_args()


if __name__ == "__main__":
    main()
