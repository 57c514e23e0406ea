"""Plan and score with nothing but equipoise and its dependencies; run by scripts/test-sdist in an empty venv."""

import arro3.core as ac
import numpy as np

import equipoise as eq


def column(values: list[object], of: ac.DataType) -> ac.Array:
    return ac.Array(values, type=of)


def main() -> None:
    text, integer, number = ac.DataType.utf8(), ac.DataType.int64(), ac.DataType.float64()
    log = ac.Table.from_pydict(
        {
            "opportunity_id": column([1, 1, 2, 2], integer),
            "campaign": column(["a", "b", "a", "b"], text),
            "stream": column([0.9, 0.5, 0.8, 0.1], number),
        }
    )
    campaigns = ac.Table.from_pydict({"campaign": column(["a", "b"], text)})
    goals = [{"kind": "cap", "measure": "exposure", "per": "campaign", "at_most": 1}]
    problem = eq.Problem.from_dict({"objectives": {"stream": 1.0}, "goals": goals})
    plan = eq.plan(problem, eq.Opportunities(log, measures=["stream"]), eq.Campaigns(campaigns), holdout=0)
    assert plan.status == "solved", plan
    assert abs(plan.certificate.value - 1.3) <= 1e-3, plan

    scorer = eq.Scorer(plan.policy)
    request = scorer.request(max_candidates=8)
    request.campaign[:2] = scorer.policy.resolve(["a", "b"])
    request.measures[:2, 0] = np.array([0.9, 0.5], np.float32)
    request.begin(scorer.policy, 2)
    request.score()
    assert request.explain(0).total == float(request.scores[0])
    print(f"equipoise {eq.__version__}: planned and scored")


if __name__ == "__main__":
    main()
