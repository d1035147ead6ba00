"""The report of a dictionary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diabolo.report import Page

if TYPE_CHECKING:
    from diabolo.estimators.dictionaries.dictionary import Dictionary


def report(dictionary: Dictionary, X: Any, y: Any = None) -> Page:
    """Return the page."""
    return Page("Dictionary")
