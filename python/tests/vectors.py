"""The shared vectors of testdata/vectors, as NumPy and Arrow."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

import equipoise as eq

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = Path(__file__).resolve().parents[2] / "testdata" / "vectors"
TYPES = {
    "utf8": pa.string(),
    "f64": pa.float64(),
    "i64": pa.int64(),
    "bool": pa.bool_(),
    "instant": pa.timestamp("us", tz="UTC"),
    "naive": pa.timestamp("us"),
    "list": pa.list_(pa.string()),
    "goals": pa.list_(pa.struct({"kind": pa.string(), "measure": pa.string(), "amount": pa.float64()})),
}


FIELDS = {"market", "surface", "time", "slots", "key", "reference", "organic", "campaign", "measures", "item"}
OPTIONS = {"frequency", "uncertainty", "category", "target", "embeddings", "width", "pairs", "explore", "drop_invalid"}


def check_fields(given: dict[str, Any], known: set[str]) -> None:
    """A reader that passed over what it does not know would check less than it says."""
    assert set(given) <= known, f"nobody reads {set(given) - known}"


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of one file."""
    listed: list[dict[str, Any]] = json.loads((FOLDER / name).read_text(encoding="utf-8"))["cases"]
    return listed


def policy(name: str) -> eq.Policy:
    """A policy of the folder."""
    return eq.Policy.load(FOLDER / name)


def floats(bits: list[int]) -> NDArray[np.float32]:
    """Floats given by their bits; NaN payloads stay."""
    return np.array(bits, np.uint32).view(np.float32)


def double(digits: str) -> float:
    """A 64-bit float given by its bits as hexadecimal digits."""
    (number,) = struct.unpack(">d", bytes.fromhex(digits))
    return float(number)


def digits(number: float | None) -> str | None:
    """The same the other way, exact to the bit."""
    return None if number is None else struct.pack(">d", number).hex()


def table(columns: list[dict[str, Any]]) -> pa.Table:
    """A table given by columns."""

    def value(kind: str, given: Any) -> Any:
        return float(given) if kind == "f64" and isinstance(given, str) else given

    arrays = {
        c["name"]: pa.array([value(c["type"], v) for v in c["values"]], TYPES[c["type"]], from_pandas=False)
        for c in columns
    }
    return pa.table(arrays)


def fill(
    request: eq.Request,
    by: eq.Policy,
    given: dict[str, Any],
    rows_of: eq.Policy | None = None,
    capacity_filled: bool = False,
) -> int:
    """Write and begin a request of the vectors; with `capacity_filled` unused rows hold what must not be read."""
    check_fields(given, FIELDS | OPTIONS)
    n = len(given["campaign"])
    if capacity_filled:
        request.campaign[n:] = 12345
        request.measures[n:] = np.nan
    request.campaign[:n] = (rows_of or by).resolve(given["campaign"])
    if given["organic"] is not None:
        request.organic[:n] = floats(given["organic"])
    for j, column in enumerate(given["measures"]):
        request.measures[:n, j].view(np.uint32)[:] = np.array(column, np.uint32)
    if given["item"] is not None:
        request.item[:n] = np.array(given["item"], np.uint32)
    reference = None if given["reference"] is None else float(floats([given["reference"]])[0])
    request.begin(
        by,
        n,
        market=given["market"],
        surface=given["surface"],
        time=given["time"],
        slots=given["slots"],
        key=int(given["key"]),
        reference=reference,
    )
    request.options(**options(given))
    return n


def options(given: dict[str, Any]) -> dict[str, Any]:
    """What only some requests bring, as arguments of `Request.options`."""
    n = len(given["campaign"])
    brought: dict[str, Any] = {"explore": given.get("explore", True), "drop_invalid": given.get("drop_invalid", False)}
    for name in ("frequency", "category"):
        if given.get(name) is not None:
            brought[name] = np.array(given[name], np.uint32)
    for name in ("uncertainty", "target"):
        if given.get(name) is not None:
            brought[name] = floats(given[name])
    if given.get("embeddings") is not None:
        brought["embeddings"] = floats(given["embeddings"]).reshape(n, given["width"])
    if given.get("pairs") is not None:
        brought["similarity"] = floats(given["pairs"]).reshape(n, n)
    return brought
