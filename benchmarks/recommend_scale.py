"""Measure what a large catalogue costs: seconds and memory of a fit, and how soon a new user is answered.

``python -m benchmarks.recommend_scale [--only CASE ...] [--threads T] [--write FILE]``: made-up histories (see
`benchmarks.workers.catalogue`), each case once in a process of its own. Memory is the peak of the process, the
histories and all imports included. Answers are the 20 best items for the history of one user at a time.

Targets: EASE of 20,000 items in 80 s and 2.5 GB on two cores; a neighbourhood of 41,000 items in 60 s and 2 GB, and of
a million in 30 min and 16 GB; new users answered within 5 ms at 20,000 items, 99 times in 100.
"""

from __future__ import annotations

from argparse import Namespace

from benchmarks.harness import Side, running
from benchmarks.report import Report, parser

CASES = {
    "ease-20k": {"users": 100_000, "items": 20_000, "interactions": 2_000_000, "model": "EASE(200.0, 0.5)"},
    "neighbourhood-41k": {
        "users": 30_000,
        "items": 41_000,
        "interactions": 870_000,
        "model": "Neighbourhood(ridge=200.0, dropout=0.5, balance=0.5)",
    },
    "low-rank-41k": {"users": 30_000, "items": 41_000, "interactions": 870_000, "model": "LowRank(200.0)"},
    "neighbourhood-1m": {
        "users": 1_000_000,
        "items": 1_000_000,
        "interactions": 20_500_000,
        "model": "Neighbourhood(ridge=200.0, dropout=0.5, balance=0.5)",
    },
}


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    report = Report("Large catalogues", arguments)
    head = "| case | threads | users | items | interactions | fit, s | peak, GB | answer, ms: median | 99 in 100 |"
    report.add(head, "|" + "---|" * 9)
    for name in arguments.only:
        for threads in arguments.threads:
            report.add(row(name, threads, report))
    report.finish()


def row(name: str, threads: int, report: Report) -> str:
    """Run a case; return its line."""
    case = CASES[name]
    with running(Side("diabolo", "catalogue", {"task": "catalogue"} | case), threads) as worker:
        found = worker.go()
        report.versions |= worker.measured.versions
    sizes = f"{case['users']:,} | {case['items']:,} | {found['interactions']:,}"
    median, late = found["answer"]
    return (
        f"| {name} | {threads} | {sizes} | {found['seconds']:.1f} | {found['peak']:.2f} | {median:.2f} | {late:.2f} |"
    )


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=1)
    reader.add_argument("--only", nargs="+", choices=CASES, default=list(CASES), help="some cases instead of all")
    return reader.parse_args()


if __name__ == "__main__":
    main()
