"""The commands of diabolo. Heavy imports happen inside them, so that ``--help`` answers at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from diabolo.cli.answer import Answer, failing, left_out

app = typer.Typer(
    name="diabolo",
    help="Autoencoders of every kind: fit one to your data, apply it, look at it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")]
Model = Annotated[Path, typer.Argument(help="A fitted model: a folder or a zip.", metavar="MODEL")]
Data = Annotated[
    str, typer.Argument(help=".npy, .npz[:KEY], .csv, .tsv, .parquet, or a folder of images.", metavar="DATA")
]
Compressed = Annotated[Path, typer.Argument(help="A .dbl file, or - for standard input.", metavar="FILE")]
Known = Annotated[
    Path | None, typer.Option("--model", help="The compressor that wrote FILE, if it is not in it.", metavar="MODEL")
]
Condition = Annotated[
    str | None,
    typer.Option(
        help="The column that a generator was told, or a classifier or regressor tells, where DATA has it.",
        metavar="COLUMN",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.")]


@app.command()
def fit(
    estimator: Annotated[
        str,
        typer.Argument(
            help="The job: reducer, detector, generator, denoiser, colorizer, imputer, recommender, compressor, "
            "pretrainer, classifier, regressor or dictionary.",
            metavar="ESTIMATOR",
        ),
    ],
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the model: a folder, or a .zip.")],
    components: Annotated[
        int | None, typer.Option("--components", "-n", help="Size of the code; that of the job by default.")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="A name of 'diabolo recipes', of a recommender of 'diabolo rankers', or one written out, of a "
            "compressor a coder; that of the job by default."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="A knob: latent.beta=4, training.epochs=50, contamination=0.05.", metavar="PATH=VALUE"
        ),
    ] = None,
    condition: Annotated[
        str | None,
        typer.Option(help="The column that a generator is told, or a classifier or regressor tells.", metavar="COLUMN"),
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="What DATA is to become, for a job that learns from pairs.", metavar="DATA")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same machine, same model.")] = 0,
    device: Device = "auto",
    checkpoint: Annotated[
        Path | None, typer.Option(help="Kept after every epoch; a killed fit goes on from it.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Fit ESTIMATOR to DATA and write the model."""
    with failing(as_json):
        from diabolo.cli import making, work

        made = making.make(estimator, components, recipe, settings or [], seed, device)
        facts = work.fit(made, data, output, checkpoint, quiet or as_json, condition, target)
    Answer(facts, as_json).give(f"wrote {output}")
    if facts.get("ended") == "interrupted":
        raise typer.Exit(130)


@app.command()
def apply(
    model: Model,
    output: Annotated[
        Path, typer.Option("--output", "-o", help=".npy, .npz, .csv or .parquet to write; a folder, for pictures.")
    ],
    data: Annotated[
        str | None, typer.Argument(help=".npy, .npz[:KEY], .csv, .tsv, .parquet, a folder of images.", metavar="DATA")
    ] = None,
    verb: Annotated[
        str | None,
        typer.Option(
            "--as",
            help="What to write: transform, reconstruct, ...; score_samples, predict, p_values, ...; recommend, ...",
        ),
    ] = None,
    count: Annotated[
        int | None, typer.Option("--count", "-n", help="How many items to recommend to each user; 10 by default.")
    ] = None,
    users: Annotated[
        list[str] | None,
        typer.Option("--user", help="A user to recommend to, whom MODEL knows, in place of DATA.", metavar="ID"),
    ] = None,
    condition: Condition = None,
    device: Device = "auto",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Apply MODEL to DATA, write the result: codes, scores of a detector, pictures of a denoiser, items for users."""
    with failing(as_json):
        from diabolo.cli import work

        facts = work.apply(
            model, data, output, verb, device, quiet or as_json, count=count, users=users or (), condition=condition
        )
    failed = facts.get("failed", {})
    Answer(facts if as_json or not failed else {**facts, "failed": len(failed)}, as_json).give(f"wrote {output}")
    left_out(failed, as_json)


@app.command()
def sample(
    model: Model,
    output: Annotated[Path, typer.Option("--output", "-o", help=".npy, .npz, .csv or .parquet to write.")],
    count: Annotated[int, typer.Option("--count", "-n", help="How many samples.")] = 100,
    condition: Annotated[
        list[str] | None,
        typer.Option(help="What is to be known about them, if MODEL has a condition.", metavar="[COLUMN=]VALUE"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same samples; others each time by default.")] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Draw new samples from MODEL, a generator, and write them."""
    with failing(as_json):
        from diabolo.cli import work

        facts = work.sample(model, output, count, condition or [], seed, device)
    Answer(facts, as_json).give(f"wrote {output}")


@app.command()
def compress(
    data: Annotated[
        list[str],
        typer.Argument(help="Tables, arrays or pictures: files, folders, - for standard input.", metavar="DATA..."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .dbl file to write, - for standard output.")],
    model: Annotated[
        Path | None, typer.Option(help="A fitted compressor; fitted to DATA by default.", metavar="MODEL")
    ] = None,
    components: Annotated[int | None, typer.Option("--components", "-n", help="Size of the code.")] = None,
    recipe: Annotated[str | None, typer.Option(help="A coder: Rows, Rows(before=2), Columns, ...")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A knob: fidelity=Absolute(0.01), training.steps=500.", metavar="PATH=VALUE"),
    ] = None,
    embed: Annotated[
        bool | None, typer.Option(help="Whether the file holds the model; it does if none is named.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same machine, same model.")] = 0,
    device: Device = "auto",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write DATA as one compressed file that says itself what it holds; by default it also holds the model it needs."""
    with failing(as_json, str(output) == "-"):
        from diabolo.cli import compressed

        compressor = compressed.chosen(model, components, recipe, settings or [], seed, device)
        facts = compressed.compress(data, output, compressor, embed, quiet or as_json)
    Answer(facts if as_json else compressed.in_words(facts), as_json).give(f"wrote {output}", str(output) == "-")


@app.command()
def decompress(
    file: Compressed,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="A folder for files by their names; one .csv, .npy, ...; - for a pipe."),
    ],
    model: Known = None,
    as_json: Json = False,
) -> None:
    """Write what a compressed FILE holds."""
    with failing(as_json, str(output) == "-"):
        from diabolo.cli import compressed

        facts = compressed.decompress(file, output, model)
    Answer(facts, as_json).give(f"wrote {output}", str(output) == "-")


@app.command()
def verify(file: Compressed, model: Known = None, as_json: Json = False) -> None:
    """Read every byte of a compressed FILE, and decode it; leave with exit code 1 if anything is wrong."""
    with failing(as_json):
        from diabolo.cli import compressed

        facts = compressed.verify(file, model)
    if as_json:
        Answer(facts, as_json).give()
    else:
        typer.echo(compressed.line(file, facts))


@app.command()
def info(
    model: Annotated[
        Path,
        typer.Argument(
            help="A fitted model; or a compressed file, - for one that comes by standard input.", metavar="MODEL"
        ),
    ],
    as_json: Json = False,
) -> None:
    """Say what MODEL is and how well it does; of a compressed file, what it holds and its exact sizes."""
    with failing(as_json):
        from diabolo.cli import compressed, work

        facts = compressed.facts(model) if compressed.is_compressed(model) else work.info(model)
    Answer(facts if as_json else compressed.in_words(facts), as_json).give()


@app.command()
def recipes(as_json: Json = False) -> None:
    """List the named recipes, with composition and loss."""
    with failing(as_json):
        from diabolo.cli import work

        rows = work.recipes()
    Answer(rows, as_json).give()


@app.command()
def rankers(as_json: Json = False) -> None:
    """List the named models of a recommender, and how each scores items."""
    with failing(as_json):
        from diabolo.cli import work

        rows = work.rankers()
    Answer(rows, as_json).give()


@app.command()
def report(
    model: Model,
    data: Data,
    output: Annotated[Path, typer.Option("--output", "-o", help="The HTML file to write.")],
    target: Annotated[
        str | None,
        typer.Option(help="What DATA is to become: clean samples; what users took besides.", metavar="DATA"),
    ] = None,
    condition: Condition = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Write a page that shows MODEL on DATA: reconstructions, code map, losses, PCA beside it."""
    with failing(as_json):
        from diabolo.cli import work

        facts = work.report(model, data, output, device, target, condition)
    Answer(facts, as_json).give(f"wrote {output}")


def _version(wanted: bool) -> None:
    if wanted:
        from diabolo import __version__

        typer.echo(f"diabolo {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Autoencoders of every kind: fit one to your data, apply it, look at it."""


def main() -> None:
    """Run the command line: 0 done, 1 an error of diabolo, 2 a wrong call, 130 interrupted, a model kept or not."""
    app()
