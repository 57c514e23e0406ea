"""What counts as a table: any object that hands out an Arrow stream or array through the C data interface."""

from __future__ import annotations

from typing import Protocol


class ArrowStream(Protocol):
    """Polars, pyarrow, pandas, duckdb, arro3 and others hand out streams of record batches."""

    def __arrow_c_stream__(self, requested_schema: object | None = None, /) -> object:
        """Hand out a capsule named ``arrow_array_stream``."""


class ArrowArray(Protocol):
    """A single record batch."""

    def __arrow_c_array__(self, requested_schema: object | None = None, /) -> tuple[object, object]:
        """Hand out capsules named ``arrow_schema`` and ``arrow_array``."""
