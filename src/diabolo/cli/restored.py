"""Pictures that become pictures: each file by itself, under its name, with what it had."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from diabolo.check import listed
from diabolo.data import IMAGES, Picture, open_picture, picture_files, write_picture
from diabolo.errors import DataError, DiaboloError, FileError, MissingFileError

Move = Callable[[float], None]
"""Told which share of a file is done."""


def are_pictures(data: str, output: Path) -> bool:
    """Tell whether a picture or a folder of them is to become the like."""
    source = Path(data).expanduser()
    wanted = output.is_dir() or not output.suffix or output.suffix.lower() in IMAGES
    return wanted and (source.is_dir() or source.suffix.lower() in IMAGES)


def restore(method: Callable[..., Any], data: str, output: Path, quiet: bool) -> dict[str, Any]:
    """Apply a method of images (1, C, H, W) to each picture, and write what it gives.

    Returned are how many there are, and why some failed, if any did.

    Raises
    ------
    MissingFileError
        If there is no such file or folder.
    DataError
        If a folder holds no pictures.
    FileError
        If what is written would replace what is read, or many pictures are to become one file.
    """
    source, output = Path(data).expanduser(), output.expanduser()
    if not source.exists():
        raise MissingFileError(f"There is no file or folder {str(source)!r}; check the path.")
    folder = source if source.is_dir() else source.parent
    if output.resolve() == folder.resolve():
        raise FileError(f"{str(output)!r} is the folder of the pictures themselves; name another one to write to.")
    if source.is_dir() and output.suffix and not output.is_dir():
        raise FileError(f"A folder of pictures is written to a folder; got {output.name!r}. Leave out the ending.")
    failed: dict[str, str] = {}
    files = picture_files(source)
    for file, move in _watched(files, quiet):
        try:
            with open_picture(file) as picture:
                write_picture(picture, _restored(method, picture, move), output)
        except DiaboloError as error:
            failed[file.name] = " ".join(str(error).split())
    return {"pictures": len(files), "output": str(output), **({"failed": failed} if failed else {})}


def demand_pairs(X: str, y: str) -> None:
    """Raise unless two folders hold pictures of the same names, endings aside, in the same order.

    Raises
    ------
    DataError
        With some names that only one of them has.
    """
    folders = [Path(path).expanduser() for path in (X, y)]
    if not all(folder.is_dir() for folder in folders):
        return
    given, target = ([file.stem for file in picture_files(folder)] for folder in folders)
    if given != target:
        only = [
            listed([name for name in one if name not in other]) for one, other in ((given, target), (target, given))
        ]
        raise DataError(
            f"Pictures and what they are to become must have the same names; only in {folders[0].name!r}: {only[0]}, "
            f"only in {folders[1].name!r}: {only[1]}. Rename or remove them."
        )


def _restored(method: Callable[..., Any], picture: Picture, move: Move) -> Iterator[np.ndarray]:
    watched = "watch" in signature(method).parameters
    for i, page in enumerate(picture):

        def watch(done: int, total: int, i: int = i) -> None:
            move((i + done / total) / len(picture))

        result = np.asarray(method(page[None], watch=watch) if watched else method(page[None]))  # (1, C, H, W)
        if result.ndim != 4 or len(result) != 1:
            raise DataError(f"What becomes of a picture must be one; got shape {result.shape}. Write it as .npy.")
        yield result[0]
        watch(1, 1)


def _watched(files: Sequence[Path], quiet: bool) -> Iterator[tuple[Path, Move]]:
    """Yield each file, with what is told how far it is; shown as a bar on a terminal."""
    if quiet or not sys.stderr.isatty():
        yield from ((file, lambda share: None) for file in files)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(files))
        for i, file in enumerate(files):

            def move(share: float, i: int = i) -> None:
                bar.update(task, completed=i + share)

            bar.update(task, completed=i, description=file.name)
            yield file, move
