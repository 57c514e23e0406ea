"""Plans a policy for a tiny log, saves it, and prints the score of "embers" in one request."""

import equipoise as eq
import polars as pl

# One row per candidate, the rows of an opportunity together; a candidate without a campaign is organic.
log = pl.DataFrame(
    {
        "opportunity_id": [1, 1, 1, 2, 2, 2],
        "campaign": ["waves", "embers", None, "waves", "embers", None],
        "organic": [0.60, 0.55, 0.70, 0.65, 0.50, 0.66],
        "stream": [0.40, 0.30, 0.35, 0.50, 0.45, 0.30],
    }
)
campaigns = pl.DataFrame({"campaign": ["waves", "embers"], "cap": [1.0, None]})
guardrail = {"kind": "guardrail", "measure": "displacement", "per": "all", "at_most": 0.02, "relative_to": "organic"}
problem = eq.Problem.from_dict({"objectives": {"stream": 1.0}, "slate": {"visible": 2}, "goals": [guardrail]})
plan = eq.plan(problem, eq.Opportunities(log, measures=["stream"]), eq.Campaigns(campaigns), holdout=0)
print(plan.status, plan.certificate.gap)
plan.policy.save("policy.safetensors")

scorer = eq.Scorer(plan.policy)
request = scorer.request(max_candidates=2000)
request.begin(scorer.policy, 2, slots=1, key=42, reference=0.60)
request.organic[:2] = [0.55, 0.70]
request.campaign[:2] = plan.policy.resolve(["embers", "nobody's"])
request.measures[:2, plan.policy.measures.index("stream")] = [0.4, 0.3]
request.score()
print(request.scores[0], "at place", request.positions[0])
