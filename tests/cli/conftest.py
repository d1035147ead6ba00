"""What the tests of the command line share."""

import sys

import pytest

from diabolo.cli.app import main


@pytest.fixture
def call(capsys, monkeypatch):
    def run(*args):
        monkeypatch.setattr(sys, "argv", ["diabolo", *map(str, args)])
        code = 0
        try:
            main()
        except SystemExit as leave:
            code = leave.code or 0
        out = capsys.readouterr()
        return code, out.out, out.err

    return run
