"""The progress bar: drawn where a person looks, silent in pipes."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

import equipoise as eq
from equipoise._progress import PlanBar, fraction_done, wanted

from .test_interrupt import long_plan


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=120)


def pipe() -> Console:
    return Console(file=io.StringIO(), force_terminal=False, force_jupyter=False)


def notebook() -> Console:
    return Console(file=io.StringIO(), force_jupyter=True)


def test_auto_draws_in_terminals_and_notebooks_only() -> None:
    assert wanted("auto", terminal())
    assert wanted("auto", notebook())
    assert not wanted("auto", pipe())
    assert wanted(True, pipe())
    assert not wanted(False, terminal())


def test_a_bar_in_a_terminal_shows_gap_value_and_bound() -> None:
    console = terminal()
    with PlanBar("auto", console) as bar:
        bar(1.0, 12.5, float("-inf"), float("inf"), 1e-4, 0.1)
        bar(2.0, 12.5, 11.0, 0.12, 1e-4, 0.2)
        bar(3.0, 12.25, 12.0, 0.0012, 1e-4, 0.3)
    out = console.file
    assert isinstance(out, io.StringIO)
    text = out.getvalue()
    assert "planning" in text
    assert "gap 1.2e-03 of 1e-04, value 12, bound 12.25, pass 3" in text


def test_a_pipe_gets_nothing() -> None:
    console = pipe()
    with PlanBar("auto", console) as bar:
        assert not bar.active
        bar(1.0, 1.0, 1.0, 0.5, 1e-4, 0.0)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == ""


def test_the_way_is_measured_in_orders_of_magnitude() -> None:
    assert fraction_done(float("nan"), float("inf"), 1e-4) == 0.0
    assert fraction_done(1e-1, 1e-1, 1e-3) == 0.0
    assert fraction_done(1e-1, 1e-2, 1e-3) == pytest.approx(0.5)
    assert fraction_done(1e-1, 1e-4, 1e-3) == 1.0
    assert fraction_done(1e-5, 1e-5, 1e-3) == 1.0


def test_a_plan_draws_its_bar_where_asked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    inputs = long_plan(rows=20_000)
    eq.plan(*inputs, holdout=0, progress=False)
    assert capsys.readouterr().err == ""
    eq.plan(*inputs, holdout=0, progress="auto")
    assert capsys.readouterr().err == "", "no terminal"
    plan = eq.plan(*inputs, holdout=0, progress=True, tolerance=1e-7)
    assert plan.status == "solved"
    assert "planning" in capsys.readouterr().err
