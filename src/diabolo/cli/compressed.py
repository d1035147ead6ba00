"""What the commands of compressed files do: tables, arrays and pictures into one file, and back under their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from diabolo.check import listed
from diabolo.cli.making import make, revise
from diabolo.cli.members import Member, demand_fitting, gathered, members_of
from diabolo.cli.piping import PIPE, arriving, leaving
from diabolo.cli.placing import is_one, place, place_all, unnamed
from diabolo.codec import Container, Exact
from diabolo.codec.layout import MAGIC
from diabolo.codec.sheet import Sheet
from diabolo.errors import FileError, ParameterError
from diabolo.estimators import Compressor, load
from diabolo.estimators.compression.opening import described, opened, verified
from diabolo.estimators.compression.packing import Packing
from diabolo.files import demand_file
from diabolo.training import Progress


def compress(
    sources: Sequence[str], output: Path, compressor: Compressor, embed: bool | None, quiet: bool
) -> dict[str, Any]:
    """Write files as one compressed file, by what was fitted or, if nothing was, by what they tell of themselves.

    The file is read back before it takes its place.

    Raises
    ------
    ParameterError
        If the file could never be read, for want of a model.
    FileError
        If it would replace one of those that it is made of, or cannot be written.
    DataError
        If the files do not go together.
    """
    if embed is False and not hasattr(compressor, "packing_"):
        raise ParameterError(
            "--no-embed leaves out the model, which nothing else would hold; fit one with 'diabolo fit compressor' "
            "and name it by --model."
        )
    with arriving(sources) as named, leaving(output, ".dbl") as written:
        return _compressed(named, written, compressor, embed, quiet)


def _compressed(
    sources: Sequence[str], output: Path, compressor: Compressor, embed: bool | None, quiet: bool
) -> dict[str, Any]:
    X, files, members = gathered(sources)
    if output.expanduser().resolve() in [file.resolve() for file in files]:
        raise FileError(f"{output.name!r} is itself among what is compressed; name another file to write.")
    demand_file(output.expanduser())
    ready = hasattr(compressor, "packing_")
    if not ready:
        compressor.fit(X, callbacks=() if quiet else (Progress(),))
    beside = {"files": [member.to_json() for member in members]}
    compressor.write(output.expanduser(), X, embed=not ready if embed is None else embed, beside=beside)
    return facts(output) | _likeness(compressor, X, members)


def _likeness(compressor: Compressor, X: Any, members: Sequence[Member]) -> dict[str, Any]:
    """Return how many tables of text come back byte by byte where all values do: their layout need not be kept."""
    if not isinstance(compressor.fidelity, Exact) or any(Path(one.name).suffix.lower() != ".csv" for one in members):
        return {}
    with TemporaryDirectory() as folder:
        same = place_all(Path(folder), X, members)
    if same == len(members):
        return {"identical": same}
    note = "every value comes back as it was read, texts such as NA as missing; the other files are laid out anew"
    return {"identical": same, "note": note}


def chosen(
    model: Path | None, components: int | None, recipe: str | None, settings: Sequence[str], seed: int, device: str
) -> Compressor:
    """Return the compressor that was saved, or one to fit as a command line describes it.

    Raises
    ------
    ParameterError
        If something is said that is not allowed, or that was chosen when the model was fitted.
    """
    if model is None:
        return cast(Compressor, make("compressor", components, recipe, settings, seed, device))
    if components is not None or recipe is not None:
        raise ParameterError("--model is fitted already; leave out --components and --recipe, or --model.")
    found = fitted(model, device)
    revise(found, settings, ("fidelity",))
    return found


def fitted(model: Path, device: str = "cpu") -> Compressor:
    """Return the compressor that was saved.

    Raises
    ------
    ParameterError
        If the model is of another job.
    """
    found = load(model, device)
    if not isinstance(found, Compressor):
        raise ParameterError(f"--model must be a compressor; {model.name!r} is a {type(found).__name__}. Fit one.")
    return found


def decompress(path: Path, output: Path, model: Path | None) -> dict[str, Any]:
    """Write what a compressed file holds: as one file, or into a folder, where each goes by its own name.

    Raises
    ------
    FileError
        If it is damaged or foreign, or a file of a name is there already.
    ParameterError
        If its model is not in it, nor given.
    """
    with arriving([str(path)]) as (name,):
        source = Path(name).expanduser()
        with opened(source, _packing(model)) as file:
            members = members_of(file.container.head)
            X = file.samples()
        members = members or [unnamed(source, X)]
        demand_fitting(members, X)
        with leaving(output.expanduser(), _ending(members[0])) as written:
            return _placed(written, X, members) | {"output": str(output.expanduser())}


def _placed(output: Path, X: Any, members: Sequence[Member]) -> dict[str, Any]:
    if is_one(output):
        place(output, X, members)
        return {"samples": len(X)}
    return {"files": len(members), "samples": len(X), "identical": place_all(output, X, members)}


def _ending(first: Member) -> str:
    """Return the ending of one file that can hold all, by the first of those that are in it."""
    return ".tif" if first.channels else Path(first.name).suffix.lower()


def facts(path: Path) -> dict[str, Any]:
    """Return what is known of a compressed file, as plain JSON."""
    with arriving([str(path)]) as (name,):
        return _facts(Path(name).expanduser())


def _facts(path: Path) -> dict[str, Any]:
    with Container.open(path) as container:
        members, sheet = members_of(container.head), container.head.get("sheet")
    found = {name: value for name, value in described(path).items() if value is not None}
    if members:
        found |= {"files": [member.name for member in members], "bytes of files": sum(each.bytes for each in members)}
        found["ratio to files"] = round(found["bytes of files"] / found["bytes"], 3)
    if sheet is not None:
        found["columns"] = [f"{name} ({kind})" for name, kind in Sheet.from_json(sheet).kinds]
    return found


def in_words(found: dict[str, Any]) -> dict[str, Any]:
    """Return the same with the names of many files, columns and classes cut short."""
    long = {name: found[name] for name in ("files", "columns", "classes") if isinstance(found.get(name), list)}
    return found | {name: listed(value) for name, value in long.items()}


def verify(path: Path, model: Path | None) -> dict[str, Any]:
    """Read every byte of a compressed file, and decode it if its model is there; return what it is.

    Raises
    ------
    FileError
        If a bit of it is not as it was written.
    """
    packing = _packing(model)
    with arriving([str(path)]) as (name,):
        found = verified(Path(name).expanduser(), packing)
    return {"whole": True, "decoded": bool(found["model bytes"]) or packing is not None, **found}


def line(path: Path, found: Mapping[str, Any]) -> str:
    """Return in one line what `verify` found."""
    rest = "and all of it was decoded" if found["decoded"] else "to decode it as well, name its model by --model"
    return f"{path.name} is whole, {found['bytes']} bytes: every checksum is right, {rest}"


def is_compressed(path: Path) -> bool:
    """Tell whether a file is a compressed one, by what it begins with; or was to be one, by its name."""
    path = path.expanduser()
    if str(path) == PIPE:  # a model does not come by a pipe
        return True
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC or path.suffix.lower() == ".dbl"


def _packing(model: Path | None) -> Packing | None:
    return None if model is None else fitted(model).packing_
