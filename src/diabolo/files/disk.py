"""Files and folders that take their place on the disk whole or not at all.

A file is written beside its place, flushed and renamed over it. A folder cannot be renamed over another one, so the
old folder is renamed aside, the new one in, and the old one dropped: whatever moment the process dies at, `standing`
finds one of the two, and the next `replace_folder` tidies up.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from diabolo.errors import DiaboloError, FileError

FilePath = str | os.PathLike[str]


def write_bytes(path: FilePath, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    FileError
        If the path cannot be written; what was there stays.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bytes(f"{folder}/report.html", b"<p>fine</p>")
    ...     Path(folder, "report.html").read_bytes()
    b'<p>fine</p>'
    """
    with explained(real(path), "written"), replacing(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def replacing(path: FilePath) -> Iterator[Path]:
    """Give a temporary path beside `path`, with the same ending, that takes its place once the block has succeeded.

    Raises
    ------
    FileError
        If the path cannot be written. What the block itself raises passes through; either way, what was there stays.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with replacing(f"{folder}/scores.csv") as temporary:
    ...         _ = temporary.write_text("score")
    ...     Path(folder, "scores.csv").read_text()
    'score'
    """
    target = demand_file(path)
    temporary = _beside(target)
    with explained(target, "written"):
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield temporary
        with explained(target, "written"):
            _flush(temporary)
            _keep_mode(target, temporary)
            temporary.replace(target)
            _flush_folder(target.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


def demand_file(path: FilePath) -> Path:
    """Return the absolute path of a file to write.

    Raises
    ------
    FileError
        If something that is no plain file is there.
    """
    target = real(path)
    with explained(target, "written"):
        if target.exists() and not target.is_file():  # renaming over a device such as /dev/null would destroy it
            raise FileError(f"{target} exists and is no plain file; choose another path.")
    return target


def replace_folder(target: Path, files: dict[str, bytes]) -> None:
    """Write a folder of files whole or not at all, in place of an older folder if there is one.

    Parameters
    ----------
    target : Path
        Resolved by `real`; what is there is dropped, so the caller must have looked at it.
    files : dict of bytes
        Content by name.

    Raises
    ------
    FileError
        If the folder cannot be written; the older one stays.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     replace_folder(Path(parent, "notes"), {"a.txt": b"first"})
    ...     replace_folder(Path(parent, "notes"), {"b.txt": b"second"})
    ...     [file.name for file in Path(parent).rglob("*")]
    ['notes', 'b.txt']
    """
    new = _beside(target)
    with explained(target, "written"):
        try:
            new.mkdir(parents=True)
            for name, data in files.items():
                (new / name).write_bytes(data)
                _flush(new / name)
            _flush_folder(new)
            _settle(target)
            _swap(new, target)
        finally:
            shutil.rmtree(new, ignore_errors=True)


def standing(target: Path) -> Path:
    """Return where the content of `target` is: there, or aside if a process died while replacing it."""
    return _aside(target) if _aside(target).exists() and not target.exists() else target


def read_file(file: Path, most: int, writer: str = "diabolo") -> bytes:
    """Return the content of a plain file of at most `most` bytes; errors say who is to have written it.

    Raises
    ------
    FileError
        If it is missing, larger, no plain file or cannot be read.
    """
    with explained(file, "read"):
        if not file.is_file():  # a pipe or a device would be waited for without end
            raise FileError(f"{file} is missing or no plain file; copy what {writer} wrote again, in full.")
        if file.stat().st_size > most:
            raise FileError(
                f"{file} is larger than {most} bytes, the most that is read; give a file that {writer} wrote."
            )
        return file.read_bytes()


@contextmanager
def explained(path: Path, verb: str) -> Iterator[None]:
    """Turn what the system raises into one sentence about the path: it "cannot be `verb`".

    Raises
    ------
    FileError
        In place of any OSError or ValueError of the block.
    """
    try:
        yield
    except DiaboloError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError(
            f"{path} cannot be {verb} ({reason}); check the path, your rights and the space left."
        ) from error


def real(path: FilePath) -> Path:
    """Return the absolute path behind symbolic links and "~", where a rename stays on one disk.

    Raises
    ------
    FileError
        If it is no path.
    """
    try:
        return Path(path).expanduser().resolve()
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        raise FileError(f"{str(path)!r} is no path ({error}); give the path of a file or folder.") from error


def _swap(new: Path, target: Path) -> None:
    try:
        if target.exists():
            _keep_mode(target, new)
            target.rename(_aside(target))
        new.rename(target)
        _flush_folder(target.parent)
    finally:
        _settle(target)


def _settle(target: Path) -> None:
    """Put the old folder back if nothing took its place, otherwise drop it."""
    old = _aside(target)
    if not old.exists():
        return
    if not target.exists():
        old.rename(target)
        return
    dropped = _beside(target)
    with suppress(OSError):  # the new folder stands; the next time settles what cannot be dropped now
        old.rename(dropped)  # so that a half removed folder never stands where `standing` looks
        shutil.rmtree(dropped)


def _beside(target: Path) -> Path:
    return target.with_name(f".diabolo-{secrets.token_hex(4)}-{target.name}")


def _aside(target: Path) -> Path:
    return target.with_name(f".diabolo-old-{target.name}")


def _keep_mode(old: Path, new: Path) -> None:
    with suppress(OSError):  # nothing there, or a disk without modes; otherwise what was private stays private
        shutil.copymode(old, new)


def _flush(file: Path) -> None:
    with file.open("rb+") as handle:
        os.fsync(handle.fileno())


def _flush_folder(folder: Path) -> None:
    with suppress(OSError):  # some systems and network disks have no such thing
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
