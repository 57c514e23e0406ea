"""The shared vectors of decision records: the same records as Rust's and Java's, decided again to the same bits."""

from __future__ import annotations

import json

import pytest

import equipoise as eq

from . import vectors

REQUESTS = {(file, case["name"]): case for file in ("score.json", "rules.json") for case in vectors.cases(file)}


def test_records_are_those_of_the_other_languages() -> None:
    executed = 0
    for case in vectors.cases("records.json"):
        vectors.check_fields(case, {"of", "name", "switches", "record"})
        of = REQUESTS[case["of"], case["name"]]
        policy = vectors.policy(of["policy"])
        request = eq.Scorer(policy, switches=case["switches"]).request(
            max_candidates=max(1, len(of["request"]["campaign"]))
        )
        vectors.fill(request, policy, of["request"])
        request.score()
        record = request.record(terms=True)
        told = json.loads(case["record"])
        if of["request"]["organic"] is None:
            # A request in Python has organic scores: what the record was made of differs, what was decided does not.
            same = (
                "policy_id",
                "key",
                "propensity",
                "given_up",
                "pick",
                "place",
                "score",
                "pick_propensity",
                "campaign",
            )
            mine = json.loads(record.to_json())
            assert {name: mine[name] for name in same} == {name: told[name] for name in same}
        else:
            assert record.to_json() == case["record"], case["name"]
        read = eq.DecisionRecord.from_json(case["record"])
        assert read.to_json() == case["record"]
        assert read.replay(policy).to_json() == case["record"]
        assert eq.read_records(eq.records_table([read])) == [read]
        executed += 1
    print(f"executed {executed} records")
    assert executed >= 100


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"policy_id": 1}', "\0"])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(eq.InvalidInput) as refused:
        eq.DecisionRecord.from_json(text)
    assert (refused.value.code, refused.value.argument) == ("invalid_input.syntax", "record")
