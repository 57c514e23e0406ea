"""Policies: files, ids, dates, pickles, tables, and a reader of somebody else's."""

from __future__ import annotations

import pickle
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from safetensors import safe_open

import equipoise as eq

from . import vectors

SMALL = "policies/small.safetensors"


def test_saved_loaded_and_pickled_it_is_the_same(tmp_path: Path) -> None:
    policy = vectors.policy(SMALL)
    policy.save(tmp_path / "p.safetensors")
    assert (tmp_path / "p.safetensors").read_bytes() == policy.to_bytes() == (vectors.FOLDER / SMALL).read_bytes()
    again = eq.Policy.load(str(tmp_path / "p.safetensors"))
    assert again == policy
    assert hash(again) == hash(policy)
    assert pickle.loads(pickle.dumps(policy)).id == policy.id
    assert [p.name for p in tmp_path.iterdir()] == ["p.safetensors"]


def test_the_id_is_hexadecimal_and_follows_the_bytes() -> None:
    policy = vectors.policy(SMALL)
    assert len(policy.id) == 32
    assert int(policy.id, 16) >= 0
    dated = policy.with_valid_until(datetime(2030, 1, 1, tzinfo=timezone.utc))
    assert dated.valid_until == 1893456000000000
    assert dated.id != policy.id
    assert dated != policy
    assert policy.valid_until == 1800000000000000
    assert eq.Scorer().policy.valid_until is None
    with pytest.raises(eq.InvalidInput) as caught:
        policy.with_valid_until(datetime(2030, 1, 1))
    assert caught.value.code == "invalid_input.naive_time"


def test_a_generic_safetensors_reader_opens_it() -> None:
    with safe_open(vectors.FOLDER / SMALL, "numpy") as opened:
        names = set(opened.keys())
        assert {"digest", "signature"} <= names
        assert opened.get_tensor("digest").shape == (32,)
        digest = opened.get_tensor("digest").tobytes()
    assert digest.hex().startswith(vectors.policy(SMALL).id)


def test_campaigns_prices_metadata_and_measures_are_readable() -> None:
    policy = vectors.policy(SMALL)
    campaigns, prices = pa.table(policy.campaigns), pl.DataFrame(policy.prices)
    assert campaigns["campaign"].to_pylist() == sorted(campaigns["campaign"].to_pylist())
    assert {"campaign", "artist", "label", "licensor", "markets", "surfaces", "start", "end"} <= set(
        campaigns.column_names
    )
    assert {"goal", "kind", "measure", "scope", "price"} <= set(prices.columns)
    assert all(isinstance(v, str) for v in policy.metadata.values())
    assert policy.measures == ["stream", "displacement"]
    assert policy.id in repr(policy)


def test_diff_says_what_changed_and_nothing_for_the_same() -> None:
    small, other = vectors.policy(SMALL), vectors.policy("policies/other.safetensors")
    assert pa.table(small.diff(small)).num_rows == 0
    assert pa.table(small.diff(other)).num_rows > 0


def test_rows_are_resolved_from_any_column_of_strings() -> None:
    policy = vectors.policy(SMALL)
    ids = ["b", "a", "nobody", None]
    wanted = [policy.row("b"), policy.row("a"), eq.UNKNOWN, eq.ORGANIC]
    assert wanted[0] != wanted[1]
    for column in (ids, tuple(ids), np.array(ids, object), pa.array(ids), pl.Series(ids), pa.chunked_array([ids])):
        rows = policy.resolve(column)
        assert rows.dtype == np.uint32
        assert rows.tolist() == wanted
    assert policy.resolve([]).tolist() == []


@pytest.mark.parametrize(
    ("ids", "code", "argument"),
    [
        ("campaign-17", "invalid_input.type", "ids"),
        (3, "invalid_input.type", "ids"),
        (["a", 7], "invalid_input.type", "ids[1]"),
        (["\udcff"], "invalid_input.unicode", "ids[0]"),
    ],
)
def test_ids_that_are_no_strings_are_refused(ids: object, code: str, argument: str) -> None:
    with pytest.raises(eq.InvalidInput) as caught:
        vectors.policy(SMALL).resolve(ids)  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.argument) == (code, argument)


@pytest.mark.parametrize("data", [b"", b"\0" * 8, b"PK\x03\x04", (1 << 62).to_bytes(8, "little")])
def test_what_is_no_policy_is_a_policy_error(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(eq.PolicyError) as caught:
        eq.Policy.from_bytes(data)
    assert caught.value.code.startswith("policy.")
    (tmp_path / "p").write_bytes(data)
    with pytest.raises(eq.PolicyError):
        eq.Policy.load(tmp_path / "p")
    with pytest.raises(eq.InvalidInput):
        eq.Policy.load(tmp_path)
    with pytest.raises(eq.InvalidInput):
        eq.Policy.from_bytes("text")  # type: ignore[arg-type]
