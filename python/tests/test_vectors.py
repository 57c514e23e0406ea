"""The shared vectors: what every face gives, to the bit, and every error code that data can reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import equipoise as eq

from . import vectors

SCORES = vectors.cases("score.json")
RULES = vectors.cases("rules.json")
CASE = {"name", "policy", "request", "expected"}
SCORED = {"scores", "picks", "positions", "reasons", "explanations"}
ARRANGED = {"causes", "propensities", "propensity", "given_up", "blend"}
ERRORS = [case for case in vectors.cases("errors.json") if "python" in case["faces"]]
KINDS = {"invalid_input": eq.InvalidInput, "goal": eq.InvalidInput, "policy": eq.PolicyError, "usage": eq.UsageError}


@pytest.mark.parametrize("spare", [0, 7])
@pytest.mark.parametrize("case", SCORES + RULES, ids=lambda c: c["name"])
def test_scores_picks_places_reasons_and_explanations(case: dict[str, Any], spare: int) -> None:
    vectors.check_fields(case, CASE)
    policy = vectors.policy(case["policy"])
    request = eq.Scorer(policy).request(max_candidates=len(case["request"]["campaign"]) + spare or 1)
    n = vectors.fill(request, policy, case["request"], capacity_filled=True)
    request.score()
    wanted = case["expected"]
    vectors.check_fields(wanted, SCORED | ARRANGED)
    assert request.scores[:n].view(np.uint32).tolist() == wanted["scores"]
    assert request.picks.tolist() == wanted["picks"]
    assert request.positions.tolist() == wanted["positions"]
    assert request.reasons == wanted["reasons"]
    assert request.policy_id == policy.id
    for told in wanted["explanations"]:
        vectors.check_fields(told, {"i", "total", "reason", "terms"})
        why = request.explain(told["i"])
        assert (why.total, why.reason) == (vectors.double(told["total"]), told["reason"])
        assert why.total == float(request.scores[told["i"]])
        assert why.terms == [(name, kind, vectors.double(amount)) for name, kind, amount in told["terms"]]
        total = 0.0
        for _, _, amount in why.terms:
            total += amount
        assert total == why.total


def told(cause: eq.Cause | None) -> dict[str, Any] | None:
    """A cause in the form of the vectors."""
    if cause is None:
        return None
    fields = {"name": cause.name, "lost_to": cause.lost_to, "term": cause.term, "text": cause.text}
    return fields | {"found": vectors.digits(cause.found), "limit": vectors.digits(cause.limit)}


@pytest.mark.parametrize("case", RULES, ids=lambda c: c["name"])
def test_causes_propensities_what_was_given_up_and_the_final_order(case: dict[str, Any]) -> None:
    policy = vectors.policy(case["policy"])
    request = eq.Scorer(policy).request(max_candidates=len(case["request"]["campaign"]))
    n = vectors.fill(request, policy, case["request"])
    request.score()
    wanted = case["expected"]
    assert set(wanted) == SCORED | ARRANGED
    assert [told(request.explain(i).cause) for i in range(n)] == wanted["causes"]
    assert [vectors.digits(p) for p in request.propensities.tolist()] == wanted["propensities"]
    assert vectors.digits(request.propensity) == wanted["propensity"]
    assert vectors.digits(request.given_up) == wanted["given_up"]
    assert request.blend().tolist() == wanted["blend"]


def test_one_request_serves_case_after_case() -> None:
    """What one case leaves behind does not reach the next one."""
    by_policy: dict[str, list[dict[str, Any]]] = {}
    for case in SCORES + RULES:
        by_policy.setdefault(case["policy"], []).append(case)
    for name, listed in by_policy.items():
        policy = vectors.policy(name)
        request = eq.Scorer(policy).request(max_candidates=max(1, *(len(c["request"]["campaign"]) for c in listed)))
        whole = [c for c in listed if c["request"]["organic"] is not None and c["request"]["item"] is not None]
        for case in whole:
            n = vectors.fill(request, policy, case["request"])
            request.score()
            assert request.scores[:n].view(np.uint32).tolist() == case["expected"]["scores"]
            assert request.picks.tolist() == case["expected"]["picks"]


def call(case: dict[str, Any]) -> None:
    given, name = case["input"], case["call"]
    if name in ("problem.from_json", "problem.from_toml"):
        text = given["text"] * given.get("repeat", 1)
        (eq.Problem.from_json if name.endswith("json") else eq.Problem.from_toml)(text)
    elif name in ("problem.load", "policy.load"):
        (eq.Problem if name.startswith("problem") else eq.Policy).load(vectors.FOLDER / given["path"])
    elif name == "policy.from_bytes":
        eq.Policy.from_bytes(bytes.fromhex(given["hex"]) + b" " * given.get("spaces", 0))
    elif name == "campaigns":
        eq.Campaigns(vectors.table(given["columns"]))
    elif name == "opportunities":
        eq.Opportunities(vectors.table(given["columns"]), measures=given["measures"])
    elif name == "plan":
        problem = eq.Problem.from_json(given["problem"]["text"])
        log = eq.Opportunities(vectors.table(given["opportunities"]["columns"]), given["opportunities"]["measures"])
        eq.plan(problem, log, eq.Campaigns(vectors.table(given["campaigns"]["columns"])))
    elif name in ("score", "explain"):
        policy = vectors.policy(given["policy"])
        rows_of = vectors.policy(given["rows_of"]) if "rows_of" in given else None
        request = eq.Scorer(policy).request(max_candidates=8)
        vectors.fill(request, policy, given["request"], rows_of)
        if name == "score" or given["scored"]:
            request.score()
        if name == "explain":
            request.explain(given["i"])
    else:
        raise NotImplementedError(name)


@pytest.mark.parametrize("case", ERRORS, ids=lambda c: f"{c['call']} {c['code']}")
def test_every_fault_has_its_code_argument_and_index(case: dict[str, Any]) -> None:
    with pytest.raises(eq.Error) as caught:
        call(case)
    error = caught.value
    assert (error.code, error.argument, error.index) == (case["code"], case["argument"], case["index"])
    assert isinstance(error, KINDS[case["code"].split(".")[0]])
    assert case["code"] in str(error)
