"""Tables in from every library and layout, tables out to every library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import arro3.core as ac
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import equipoise as eq

if TYPE_CHECKING:
    from collections.abc import Callable

LOG: dict[str, list[Any]] = {
    "opportunity_id": ["o1", "o1", "o1", "o2", "o2", "o3"],
    "campaign": ["waves", "embers", None, "waves", None, "embers"],
    "organic": [0.6, 0.55, 0.7, 0.65, 0.66, 0.4],
    "stream": [0.4, 0.3, 0.35, 0.5, 0.3, 0.2],
    "market": ["SE", "SE", "SE", "DE", "DE", "SE"],
}
CAMPAIGNS: dict[str, list[Any]] = {
    "campaign": ["waves", "embers"],
    "artist": ["w", None],
    "markets": [None, ["SE", "NO"]],
    "cap": [1.5, None],
}


def pyarrow_log() -> pa.Table:
    return pa.table(LOG)


def chunked() -> pa.Table:
    whole = pyarrow_log()
    return pa.concat_tables([whole.slice(0, 2), whole.slice(2, 0), whole.slice(2, 3), whole.slice(5)])


def cast(**types: pa.DataType) -> Callable[[], pa.Table]:
    def make() -> pa.Table:
        table = pyarrow_log()
        for name, of in types.items():
            at = table.column_names.index(name)
            table = table.set_column(at, name, table[name].cast(of))
        return table

    return make


def dictionaries_of_each_batch() -> pa.Table:
    parts = []
    for slice_ in (pyarrow_log().slice(0, 3), pyarrow_log().slice(3)):
        columns = {n: slice_[n].combine_chunks().dictionary_encode() for n in ("opportunity_id", "campaign", "market")}
        parts.append(pa.table({n: columns.get(n, slice_[n]) for n in slice_.column_names}))
    return pa.Table.from_batches([batch for part in parts for batch in part.to_batches()])


def polars_categorical() -> pl.DataFrame:
    return pl.DataFrame(LOG).with_columns(pl.col("campaign", "market").cast(pl.Categorical))


def pandas_frame() -> pd.DataFrame:
    return pd.DataFrame(LOG)


def pandas_categorical() -> pd.DataFrame:
    return pandas_frame().astype({"campaign": "category", "market": "category"})


def pandas_arrow() -> pd.DataFrame:
    return pyarrow_log().to_pandas(types_mapper=pd.ArrowDtype)


def duckdb_relation() -> Any:
    source = pyarrow_log()
    return duckdb.connect().from_arrow(source)


SOURCES: dict[str, Callable[[], Any]] = {
    "pyarrow": pyarrow_log,
    "pyarrow batch": lambda: pyarrow_log().combine_chunks().to_batches()[0],
    "pyarrow reader": lambda: pyarrow_log().to_reader(max_chunksize=2),
    "chunked": chunked,
    "large_utf8": cast(opportunity_id=pa.large_string(), campaign=pa.large_string(), market=pa.large_string()),
    "utf8_view": cast(opportunity_id=pa.string_view(), campaign=pa.string_view(), market=pa.string_view()),
    "dictionary int8": cast(campaign=pa.dictionary(pa.int8(), pa.string())),
    "dictionary large": cast(campaign=pa.dictionary(pa.int64(), pa.large_string())),
    "dictionaries of each batch": dictionaries_of_each_batch,
    "float32 and float16": cast(stream=pa.float32(), organic=pa.float32()),
    "sliced": lambda: pa.concat_tables([pyarrow_log().slice(5), pyarrow_log()]).slice(1),
    "arro3": lambda: ac.Table.from_arrow(pyarrow_log()),
    "polars": lambda: pl.DataFrame(LOG),
    "polars categorical": polars_categorical,
    "pandas": pandas_frame,
    "pandas categorical": pandas_categorical,
    "pandas of arrow": pandas_arrow,
    "duckdb": duckdb_relation,
}

if int(pa.__version__.split(".")[0]) < 19:
    del SOURCES["utf8_view"]  # exports views without long strings with a null pointer, which no reader survives


def plan_of(log: Any, campaigns: Any = None) -> eq.Plan:
    problem = eq.Problem.from_dict({"objectives": {"stream": 1.0}})
    table = eq.Campaigns(pa.table(CAMPAIGNS) if campaigns is None else campaigns)
    return eq.plan(problem, eq.Opportunities(log, measures=["stream"]), table, holdout=0, progress=False)


@pytest.mark.parametrize("name", SOURCES)
def test_every_library_and_layout_gives_the_same_plan(name: str) -> None:
    wanted = plan_of(pyarrow_log())
    table = SOURCES[name]()
    assert len(eq.Opportunities(SOURCES[name](), measures=["stream"])) == 3
    plan = plan_of(table)
    assert plan.policy.id == wanted.policy.id
    assert plan.decisions()["x"].to_pylist() == wanted.decisions()["x"].to_pylist()


@pytest.mark.parametrize(
    "make",
    [
        lambda: pl.DataFrame(CAMPAIGNS),
        lambda: pd.DataFrame(CAMPAIGNS),
        lambda: pa.table(CAMPAIGNS).set_column(
            2, "markets", pa.array(CAMPAIGNS["markets"], pa.large_list(pa.string()))
        ),
        lambda: pa.table(CAMPAIGNS).set_column(2, "markets", pa.array(CAMPAIGNS["markets"], pa.list_view(pa.string()))),
        lambda: duckdb.connect().from_arrow(pa.table(CAMPAIGNS)),
    ],
    ids=["polars", "pandas", "large_list", "list_view", "duckdb"],
)
def test_campaign_tables_of_every_library(make: Callable[[], Any]) -> None:
    wanted = plan_of(pyarrow_log())
    assert plan_of(pyarrow_log(), make()).policy.id == wanted.policy.id
    campaigns = eq.Campaigns(make())
    assert (len(campaigns), campaigns.ids) == (2, ["waves", "embers"])


def test_parquet_paths_and_globs(tmp_path: Path) -> None:
    wanted = plan_of(pyarrow_log())
    pq.write_table(pyarrow_log(), tmp_path / "log.parquet")
    assert plan_of(tmp_path / "log.parquet").policy.id == wanted.policy.id
    (tmp_path / "parts").mkdir()
    for i, part in enumerate([pyarrow_log().slice(0, 2), pyarrow_log().slice(2)]):
        pq.write_table(part, tmp_path / "parts" / f"{i}.parquet", compression="zstd", row_group_size=1)
    assert plan_of(str(tmp_path / "parts" / "*.parquet")).policy.id == wanted.policy.id
    pq.write_table(pa.table(CAMPAIGNS), tmp_path / "campaigns.parquet")
    assert plan_of(pyarrow_log(), tmp_path / "campaigns.parquet").policy.id == wanted.policy.id
    scored = eq.Scorer(wanted.policy).score(tmp_path / "log.parquet")
    assert scored.num_rows == 6
    with pytest.raises(eq.InvalidInput) as caught:
        eq.Opportunities(tmp_path / "none-*.parquet", measures=["stream"])
    assert caught.value.code == "invalid_input.io"
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(eq.InvalidInput) as caught:
        eq.Opportunities(tmp_path / "text.parquet", measures=["stream"])
    assert caught.value.code == "invalid_input.io"


def test_tables_go_out_to_every_library() -> None:
    plan = plan_of(pyarrow_log())
    for table in (plan.prices, plan.deliveries, plan.conflicts, plan.decisions(), plan.policy.campaigns):
        assert isinstance(table, ac.Table)
        as_pyarrow = pa.table(table)
        assert pl.DataFrame(table).shape == as_pyarrow.shape
        assert pl.from_arrow(table).struct.unnest().shape == as_pyarrow.shape  # type: ignore[union-attr]
        assert as_pyarrow.to_pandas().shape == as_pyarrow.shape
        assert duckdb.connect().from_arrow(table).shape == as_pyarrow.shape
    x = np.asarray(plan.decisions()["x"])
    assert x.dtype == np.float64
    assert len(x) == 6


def test_times_are_instants_or_naive_with_a_word_for_it() -> None:
    naive = pyarrow_log().append_column("time", pa.array([10**6] * 6, pa.timestamp("ms")))
    with pytest.raises(eq.InvalidInput) as caught:
        eq.Opportunities(naive, measures=["stream"])
    assert (caught.value.code, caught.value.argument) == ("invalid_input.naive_time", "time")
    assert len(eq.Opportunities(naive, measures=["stream"], naive="utc")) == 3
    zoned = pyarrow_log().append_column("time", pa.array([10**6] * 6, pa.timestamp("ns", tz="Europe/Stockholm")))
    assert len(eq.Opportunities(zoned, ["stream"])) == 3
    with pytest.raises(eq.InvalidInput) as caught:
        eq.Opportunities(naive, measures=["stream"], naive="local")  # type: ignore[arg-type]
    assert caught.value.argument == "naive"


def test_nulls_are_errors_unless_filled() -> None:
    table = pyarrow_log().set_column(3, "stream", pa.array([0.4, None, 0.35, 0.5, 0.3, 0.2]))
    with pytest.raises(eq.InvalidInput) as caught:
        eq.Opportunities(table, measures=["stream"])
    assert (caught.value.code, caught.value.argument, caught.value.index) == ("invalid_input.null", "stream", 1)
    assert len(eq.Opportunities(table, measures=["stream"], fill={"stream": 0.0})) == 3
    for wrong in ({"stream": "x"}, {"stream": float("nan")}, [1]):
        with pytest.raises(eq.InvalidInput):
            eq.Opportunities(table, measures=["stream"], fill=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [3, None, {"campaign": ["a"]}, [1, 2], object()])
def test_what_is_no_table_is_refused(wrong: Any) -> None:
    with pytest.raises(eq.InvalidInput) as caught:
        eq.Opportunities(wrong, measures=["stream"])
    assert (caught.value.code, caught.value.argument) == ("invalid_input.type", "table")
    with pytest.raises(eq.InvalidInput):
        eq.Campaigns(wrong)


@pytest.mark.parametrize("measures", ["stream", [3], None, ["exposure"], ["none"]])
def test_measures_are_a_list_of_columns(measures: Any) -> None:
    with pytest.raises(eq.InvalidInput):
        eq.Opportunities(pyarrow_log(), measures=measures)


class Breaking:
    """A stream whose producer fails after the first batch."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        def batches() -> Any:
            yield pyarrow_log().to_batches()[0]
            raise RuntimeError("the producer broke off")

        return pa.RecordBatchReader.from_batches(pyarrow_log().schema, batches()).__arrow_c_stream__(requested_schema)


def test_a_stream_that_breaks_off_is_an_error_of_the_tree() -> None:
    with pytest.raises(eq.InvalidInput) as caught:
        eq.Opportunities(Breaking(), measures=["stream"])
    assert caught.value.code == "invalid_input.io"
    assert "broke off" in str(caught.value)


def test_ids_of_any_language_come_back_as_they_were() -> None:
    ids = ["çå", "日本", "a\0b", "🎵" * 10, "x" * 100_000, "\x1b[31mred", "<b>", "=1+1"]
    log = pa.table({"opportunity_id": list(range(len(ids))), "campaign": ids, "stream": [0.5] * len(ids)})
    plan = plan_of(log, pa.table({"campaign": ids}))
    assert sorted(plan.policy.campaigns["campaign"].to_pylist()) == sorted(ids)
    assert (plan.policy.resolve(ids) != eq.UNKNOWN).all()
    assert pa.table(plan.policy.replay(eq.Opportunities(log, ["stream"])))["picked"].to_pylist() == [True] * len(ids)
    again = eq.Policy.from_bytes(plan.policy.to_bytes())
    assert again.campaigns["campaign"].to_pylist() == plan.policy.campaigns["campaign"].to_pylist()
