"""Problems: documents, dicts, files, and every fault at once."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import equipoise as eq

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT: dict[str, Any] = {
    "objectives": {"stream": 1.0, "new_listener": 2.5},
    "slate": {"slots": 2, "visible": 10, "first_place": 1, "min_gap": 3, "max_per_artist": 1},
    "goals": [
        {"kind": "guardrail", "measure": "displacement", "per": "market", "at_most": 0.01, "relative_to": "organic"},
        {"kind": "cap", "measure": "exposure", "of": {"licensor": "g3"}, "at_most": 10},
        {"kind": "floor", "measure": "stream", "per": "campaign", "at_least": 3.5, "penalty": 0.25},
    ],
}


def test_dict_json_and_toml_say_the_same(tmp_path: Path) -> None:
    problem = eq.Problem.from_dict(DOCUMENT)
    assert eq.Problem.from_json(json.dumps(DOCUMENT)) == problem
    assert eq.Problem.from_dict(problem.to_dict()) == problem
    assert eq.Problem.from_toml(problem.to_toml()) == problem
    assert problem.to_dict()["objectives"] == {"stream": 1.0, "new_listener": 2.5}
    assert list(problem.to_dict()["objectives"]) == ["stream", "new_listener"]
    assert problem.to_dict()["goals"][1]["of"] == {"licensor": "g3"}
    (tmp_path / "p.json").write_text(problem.to_json())
    (tmp_path / "p.toml").write_text(problem.to_toml())
    assert eq.Problem.load(tmp_path / "p.json") == problem
    assert eq.Problem.load(str(tmp_path / "p.toml")) == problem
    assert pickle.loads(pickle.dumps(problem)) == problem


def test_numpy_scalars_and_tuples_are_numbers_and_lists() -> None:
    problem = eq.Problem.from_dict(
        {"objectives": {"v": np.float32(0.5)}, "slate": {"slots": np.int64(2)}, "goals": ()},
    )
    assert problem.to_dict()["objectives"]["v"] == 0.5
    assert problem.to_dict()["slate"]["slots"] == 2


def test_every_fault_is_listed_at_once() -> None:
    goals = [
        {"kind": "cap", "measure": "exposure", "per": "campaign", "at_most": -1},
        {"kind": "floor", "measure": "exposure", "per": "campaign", "of": {"label": "x"}, "at_least": 1},
        {"kind": "share", "measure": "exposure", "of": {"label": "x", "market": "y"}, "at_most": 0.5},
    ]
    with pytest.raises(eq.InvalidInput) as caught:
        eq.Problem.from_dict({"objectives": {"v": 1.0}, "goals": goals})
    codes = {fault.code for fault in caught.value.faults}
    assert {"invalid_input.range", "goal.scope", "goal.scope_intersection"} <= codes
    assert caught.value.faults[0].code == caught.value.code
    assert "goals[0].at_most" in caught.value.argument


@pytest.mark.parametrize(
    ("document", "code", "argument"),
    [
        ({"objectives": {"v": float("nan")}}, "invalid_input.not_finite", "objectives.v"),
        ({"objectives": {"v": {1, 2}}}, "invalid_input.type", "objectives.v"),
        ({"objectives": {"\ud800": 1.0}}, "invalid_input.unicode", "objectives"),
        ({"goals": [{"kind": 2**70}]}, "invalid_input.range", "goals[0].kind"),
        ([], "invalid_input.type", "document"),
        ({"unknown_field": 1}, "invalid_input.syntax", None),
    ],
)
def test_what_is_not_a_document_is_refused(document: Any, code: str, argument: str | None) -> None:
    with pytest.raises(eq.InvalidInput) as caught:
        eq.Problem.from_dict(document)
    assert caught.value.code == code
    if argument is not None:
        assert caught.value.argument == argument


def test_a_document_that_nests_itself_is_refused() -> None:
    document: dict[str, Any] = {}
    document["goals"] = document
    with pytest.raises(eq.InvalidInput) as caught:
        eq.Problem.from_dict(document)
    assert caught.value.code == "invalid_input.too_large"


def test_a_missing_file_is_an_error_of_the_tree(tmp_path: Path) -> None:
    with pytest.raises(eq.InvalidInput) as caught:
        eq.Problem.load(tmp_path / "none.toml")
    assert caught.value.code == "invalid_input.io"


def test_the_schema_accepts_the_document_it_describes() -> None:
    schema = eq.problem_schema()
    assert set(DOCUMENT) <= set(schema["properties"])
    assert "goals" in schema["properties"]
