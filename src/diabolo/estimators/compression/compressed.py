"""What a compressor reports: sizes and errors on the user's own data, those of others beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diabolo.report import Page

if TYPE_CHECKING:
    from diabolo.estimators.compression.compressor import Compressor


def report(compressor: Compressor, X: Any) -> Page:
    """Return the page of a fitted compressor on X."""
    return Page("Compressor")
