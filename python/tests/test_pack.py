"""A packed log plans to the bits of the log itself, in bounded memory, and a file that is damaged is refused."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import equipoise as eq

from .oracle.check import rows

MEASURES = ["value", "loss"]


def inputs(opportunities: int) -> tuple[eq.Problem, pl.DataFrame, eq.Campaigns]:
    """Caps, a market's limit on losses, two markets: what a packed log has to keep apart."""
    g = np.random.default_rng(5)
    each, count = 12, 40
    opportunity = np.repeat(np.arange(opportunities), each)
    log = pl.DataFrame(
        {
            "opportunity_id": opportunity,
            "campaign": [f"c{k}" for k in g.integers(0, count, opportunities * each)],
            "market": np.where(opportunity % 3 == 0, "SE", "NO"),
            "value": g.random(opportunities * each).astype(np.float32),
            "loss": g.random(opportunities * each).astype(np.float32),
        }
    )
    cap = g.uniform(0.1, 0.9, count) * opportunities / count
    campaigns = pl.DataFrame({"campaign": [f"c{k}" for k in range(count)], "cap": cap})
    limit = {"kind": "guardrail", "measure": "loss", "per": "market", "at_most_total": 0.1 * opportunities}
    problem = eq.Problem.from_dict({"objectives": {"value": 1.0}, "goals": [limit]})
    return problem, log, eq.Campaigns(campaigns)


def streamed(plan: eq.Plan) -> list[float | None]:
    return [x for batch in plan.decision_batches() for x in batch["x"].to_pylist()]


@pytest.mark.parametrize("memory", [1 << 30, 0])
def test_the_same_bits_as_a_plan_of_the_log(tmp_path: Path, memory: int) -> None:
    problem, log, campaigns = inputs(2_000)
    whole = eq.plan(problem, eq.Opportunities(log, measures=MEASURES), campaigns, progress=False)
    path = tmp_path / "log.packed"
    packed = eq.pack(problem, log, campaigns, path, measures=MEASURES, progress=False)
    assert (packed.candidates, packed.measures, packed.bytes) == (len(log), MEASURES, path.stat().st_size)
    plan = eq.plan(problem, eq.PackedLog(path), campaigns, memory=memory, progress=False)
    assert plan.status == whole.status == "solved"
    assert rows(plan.prices) == rows(whole.prices)
    assert plan.certificate.upper_bound == whole.certificate.upper_bound
    assert plan.certificate.serving is not None
    assert whole.certificate.serving is not None
    assert plan.certificate.serving.opportunities == whole.certificate.serving.opportunities
    assert plan.decisions().num_rows == 0
    assert streamed(plan) == streamed(whole) == whole.decisions()["x"].to_pylist()


def test_a_parquet_file_is_packed_as_a_stream(tmp_path: Path) -> None:
    problem, log, campaigns = inputs(500)
    log.write_parquet(tmp_path / "log.parquet")
    one = eq.pack(problem, log, campaigns, tmp_path / "a", measures=MEASURES, progress=False)
    other = eq.pack(problem, tmp_path / "log.parquet", campaigns, tmp_path / "b", measures=MEASURES, progress=False)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert len(one) == len(other)


def test_what_if_needs_the_log_in_memory(tmp_path: Path) -> None:
    problem, log, campaigns = inputs(500)
    packed = eq.pack(problem, log, campaigns, tmp_path / "log", measures=MEASURES, progress=False)
    plan = eq.plan(problem, packed, campaigns, progress=False)
    with pytest.raises(eq.InvalidInput) as error:
        plan.what_if({"objectives": {"value": 2.0}})
    assert (error.value.code, error.value.argument) == ("invalid_input.inconsistent", "plan")


def test_a_fault_of_the_log_leaves_no_file(tmp_path: Path) -> None:
    problem, log, campaigns = inputs(500)
    bad = log.with_columns(value=pl.when(pl.int_range(pl.len()) == 700).then(-1.0).otherwise(pl.col("value")))
    with pytest.raises(eq.InvalidInput) as error:
        eq.pack(problem, bad, campaigns, tmp_path / "log", measures=MEASURES, progress=False)
    assert error.value.index == 700
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_changed_is_refused(tmp_path: Path) -> None:
    problem, log, campaigns = inputs(500)
    path = tmp_path / "log"
    eq.pack(problem, log, campaigns, path, measures=MEASURES, progress=False)
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(eq.InvalidInput) as error:
        eq.plan(problem, eq.PackedLog(path), campaigns, progress=False)
    assert error.value.code == "invalid_input.corrupt"


def test_other_campaigns_are_refused(tmp_path: Path) -> None:
    problem, log, campaigns = inputs(500)
    packed = eq.pack(problem, log, campaigns, tmp_path / "log", measures=MEASURES, progress=False)
    with pytest.raises(eq.InvalidInput) as error:
        eq.plan(problem, packed, eq.Campaigns(pl.DataFrame({"campaign": ["another"]})), progress=False)
    assert error.value.code == "invalid_input.foreign_file"
