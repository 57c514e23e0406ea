"""Random calls with random arguments: right answers or errors of the tree, never a crash or another exception."""

from __future__ import annotations

import math
import os
import random
from collections import Counter
from typing import Any

import numpy as np
import pytest

import equipoise as eq

from . import vectors

# Quick counts, times EQUIPOISE_SOAK in scripts/soak.
SOAK = int(os.environ.get("EQUIPOISE_SOAK", "1"))
CALLS = 100_000 * SOAK
TEXTS = 10_000 * SOAK
NUMBERS = [0, 1, 2, 3, 7, 8, 9, -1, 2**31, 2**32, 2**63, 2**64, 2**80, -(2**63), 0.0, -0.0, 0.5, 1e-45, 1e12, 1.1e12]
NUMBERS += [1e308, math.nan, math.inf, -math.inf]
OTHERS = [None, "", "SE", "radio", "x\0y", "\ud800", b"SE", [], {}, (), object(), True, np.float32(0.5), np.int64(3)]


def anything(g: random.Random) -> Any:
    return g.choice(NUMBERS) if g.random() < 0.6 else g.choice(OTHERS)


def array(g: random.Random, n: int, m: int) -> Any:
    if g.random() < 0.1:
        return anything(g)
    kind = g.choice(["f4", "f4", "f4", "u4", "u4", "f8", "i4", "u8", "f2", "?", "O", ">f4"])
    shape: tuple[int, ...] = g.choice([(n,), (n,), (n, m), (n, m), (m, n), (), (n, m, 1), (0,), (n + 1,)])
    made = np.zeros(shape, kind)
    if made.dtype == np.float32:
        made[...] = g.choice([0.25, 0.0, 1e12, math.nan, math.inf, -1.0])
    if g.random() < 0.3:
        made = np.asfortranarray(made)
    if g.random() < 0.2 and made.ndim:
        made = made[::-1] if g.random() < 0.5 else made[::2]
    return made


def one_call(g: random.Random, policies: list[eq.Policy], request: eq.Request) -> str:
    call = g.choice(["begin", "begin", "put", "put", "score", "score", "explain", "write", "resolve", "read"])
    policy = g.choice(policies)
    if call == "begin":
        arguments: dict[str, Any] = {
            "policy": policy,
            "n": g.randrange(9),
            "market": "SE",
            "surface": "radio",
            "time": 15,
        }
        for name in ("policy", "n", "market", "surface", "time", "slots", "key", "reference"):
            if g.random() < 0.08:
                arguments[name] = anything(g)
        request.begin(**arguments)
    elif call == "put":
        n, m = g.randrange(10), 2
        names = [name for name in ("organic", "campaign", "measures", "item") if g.random() < 0.4]
        request.put(**{name: array(g, n, m) for name in names})
    elif call == "score":
        request.score()
        assert np.isfinite(request.scores).all()
        assert request.picks.size == request.positions.size == len(set(request.picks.tolist()))
    elif call == "explain":
        why = request.explain(anything(g))
        total = 0.0
        for _, _, amount in why.terms:
            total += amount
        assert total == why.total
    elif call == "write":
        i = g.randrange(8)
        request.campaign[i] = g.choice([*policy.resolve(["a", "b", "çå"]), eq.UNKNOWN, eq.ORGANIC, g.getrandbits(32)])
        request.measures[i, 0] = g.choice([0.0, 0.5, 1e12, math.nan, -1.0])
        request.organic[i] = g.choice([0.5, -0.0, 1e12, math.inf])
    elif call == "resolve":
        policy.resolve(g.choice([["a"], anything(g), [anything(g)]]))
    else:
        str(request), request.reasons, request.known_segment, request.reference, request.policy_id, request.time
    return call


def test_random_calls_end_in_answers_or_errors_of_the_tree() -> None:
    g = random.Random(20)
    policies = [vectors.policy("policies/small.safetensors"), vectors.policy("policies/other.safetensors")]
    request = eq.Scorer(policies[0]).request(max_candidates=8)
    seen: Counter[str] = Counter()
    for _ in range(CALLS):
        try:
            seen[one_call(g, policies, request)] += 1
        except eq.InternalError:
            raise
        except eq.Error as error:
            seen[error.code] += 1
        if g.random() < 0.02:
            request = eq.Scorer(policies[0]).request(max_candidates=8)
    print(f"executed {sum(seen.values())}: {dict(seen)}")
    assert sum(seen.values()) == CALLS
    wanted = ["begin", "put", "score", "explain", "write", "resolve", "read"]
    wanted += [
        f"invalid_input.{code}" for code in ("shape", "type", "layout", "not_finite", "range", "foreign_row", "unicode")
    ]
    assert all(seen[name] > 10 for name in wanted), seen


def test_random_documents_are_problems_or_errors_of_the_tree() -> None:
    g = random.Random(21)
    words = [
        "objectives",
        "goals",
        "slate",
        "kind",
        "cap",
        "share",
        "measure",
        "exposure",
        "per",
        "of",
        "campaign",
        "at_most",
    ]
    words += [
        "at_least",
        "target",
        "penalty",
        "guardrail",
        "relative_to",
        "organic",
        "slots",
        "visible",
        "weights",
        "max_min",
    ]

    def document(depth: int) -> Any:
        if depth == 0 or g.random() < 0.3:
            return anything(g) if g.random() < 0.5 else g.choice(words)
        if g.random() < 0.3:
            return [document(depth - 1) for _ in range(g.randrange(4))]
        return {g.choice(words): document(depth - 1) for _ in range(g.randrange(5))}

    accepted = 0
    for _ in range(3_000):
        given = {"objectives": {"stream": 1.0}} if g.random() < 0.5 else {}
        given |= {name: document(4) for name in ("goals", "slate", "objectives") if g.random() < 0.4}
        try:
            problem = eq.Problem.from_dict(given)
        except eq.InternalError:
            raise
        except eq.Error:
            continue
        else:
            accepted += 1
            assert eq.Problem.from_json(problem.to_json()) == problem
    assert accepted > 100


def test_any_text_is_found_exactly_or_refused() -> None:
    g = random.Random(22)
    policy = vectors.policy("policies/small.safetensors")
    known = {text: int(policy.resolve([text])[0]) for text in ("a", "b", "çå")}
    characters = ["a", "b", "ç", "å", "c\u0327", "a\u030a", "\0", "\ufeff", "\U0010ffff", "\ud800", "\udfff"]
    found, refused = 0, 0
    for _ in range(TEXTS):
        text = g.choice(["", "a", "b", "çå", "x" * 2**20 if g.random() < 0.01 else "x"])
        for _ in range(g.randrange(3)):
            at = g.randrange(len(text) + 1)
            text = text[:at] + (g.choice(characters) if g.random() < 0.8 else chr(g.randrange(0x110000))) + text[at:]
        try:
            text.encode()
        except UnicodeEncodeError:
            with pytest.raises(eq.InvalidInput) as caught:
                policy.resolve(["a", text])
            assert (caught.value.code, caught.value.argument) == ("invalid_input.unicode", "ids[1]")
            refused += 1
        else:
            assert policy.resolve(["a", text])[1] == known.get(text, eq.UNKNOWN)
            found += text in known
    print(f"executed {TEXTS} texts: {found} found, {refused} refused")
    assert min(found, refused) > TEXTS // 20
