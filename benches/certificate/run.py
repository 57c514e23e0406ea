"""Certificate bench: do the serving certificate's intervals hold on flights that nobody has seen?

Needs EQUIPOISE_CASES: the generator is in its folder bench/solver. One instance of the generator is cut into parts of
100,000 opportunities, with caps, floors and budget to match. The first part is planned on; each other part certifies
that plan and is tested by the next one, whose picks are counted here, in NumPy. A test holds if every ledger's amount
lies in its interval. Prints one JSON line: `ours` of `repeats` tests held, `theirs` is how many have to;
`half_width_ratio` is the median half width on binding caps over quantile x sqrt(1 + W/W_h) x sqrt(cap).
"""

import argparse
import json
import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parent.parent.parent
UNBOUNDED = 1e30


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)


class Parts:
    """An instance of the generator, cut."""

    def __init__(self, cases: Path, parts: int, size: int, campaigns: int, seed: int) -> None:
        sys.path.insert(0, str(cases / "bench" / "solver"))
        arrays, _ = import_module("gen").generate(parts * size, campaigns, seed=seed)
        self.arrays, self.size, self.parts = arrays, size, parts
        self.names = pa.array([f"c{k}" for k in range(campaigns)])
        self.group = arrays["group"]

    def rows(self, part: int) -> slice:
        """The candidate rows of a part."""
        ptr = self.arrays["ptr"]
        return slice(int(ptr[part * self.size]), int(ptr[(part + 1) * self.size]))

    def log(self, part: int) -> pa.Table:
        """The opportunities of a part as a log."""
        a, rows = self.arrays, self.rows(part)
        opportunities = np.arange(part * self.size, (part + 1) * self.size)
        counts = np.diff(a["ptr"])[opportunities]
        return pa.table(
            {
                "opportunity_id": np.repeat(opportunities, counts),
                "campaign": pa.DictionaryArray.from_arrays(pa.array(a["camp"][rows]), self.names),
                "value": a["val"][rows],
                "displacement": a["loss"][rows],
                "slots": np.repeat(a["slots"][opportunities].astype(np.int32), counts),
            }
        )

    def campaigns(self) -> pa.Table:
        """The campaign table, caps and floors for one part."""
        a = self.arrays
        floor = a["floor"] / self.parts
        return pa.table(
            {
                "campaign": self.names,
                "licensor": [f"g{g}" for g in self.group],
                "cap": a["cap"] / self.parts,
                "floor": pa.array(floor, mask=floor <= 0),
            }
        )

    def problem(self) -> dict:
        """Objective, shares and the guardrail, for one part."""
        a = self.arrays
        goals = []
        for g, (least, most) in enumerate(zip(a["glo"], a["ghi"], strict=True)):
            bounds = ({"at_least": float(least)} if least > 0 else {}) | ({"at_most": float(most)} if most < 1 else {})
            if bounds:
                goals.append({"kind": "share", "measure": "exposure", "of": {"licensor": f"g{g}"}} | bounds)
        budget = float(a["budget"][0])
        if budget < UNBOUNDED:
            total = budget / self.parts
            goals.append({"kind": "guardrail", "measure": "displacement", "per": "all", "at_most_total": total})
        return {"objectives": {"value": 1.0}, "goals": goals}

    def held(self, part: int, picked: np.ndarray) -> dict:
        """What picks on a part hold, by the ledger's kind and scope."""
        a, rows = self.arrays, self.rows(part)
        exposure = np.bincount(a["camp"][rows][picked], minlength=len(self.names)).astype(float)
        whole = exposure.sum()
        shares = np.bincount(self.group, exposure) / whole
        held = {("share", f"licensor=g{g}"): share for g, share in enumerate(shares)}
        for k, amount in enumerate(exposure):
            held["cap", f"campaign=c{k}"] = held["floor", f"campaign=c{k}"] = amount
        held["guardrail", "all"] = float(a["loss"][rows][picked].sum(dtype=np.float64))
        return held


def missed(ledgers: list[dict], held: dict) -> list[str]:
    """The ledgers whose amount lies outside the interval."""
    found = []
    for ledger in ledgers:
        amount = held[ledger["kind"], ledger["scope"]]
        slack = 1e-6 * max(1.0, abs(amount))
        if not ledger["lower"] - slack <= amount <= ledger["upper"] + slack:
            found.append(f"{ledger['kind']} {ledger['scope']} {amount} not in {ledger['lower']}, {ledger['upper']}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench certificate", description=__doc__)
    parser.add_argument("--parts", type=int, default=21)
    parser.add_argument("--size", type=int, default=100_000, help="opportunities of a part")
    parser.add_argument("--campaigns", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--no-build", action="store_true", help="measure the equipoise that Python finds")
    options = parser.parse_args()
    if "EQUIPOISE_CASES" not in os.environ:
        print("EQUIPOISE_CASES is not set: the generator is not to be found", file=sys.stderr)
        return 2
    if not options.no_build:
        subprocess.run([ROOT / "scripts" / "python-env"], check=True, stdout=sys.stderr)
    eq = import_module("equipoise")

    started = time.perf_counter()
    parts = Parts(Path(os.environ["EQUIPOISE_CASES"]), options.parts, options.size, options.campaigns, options.seed)
    say(f"generated in {time.perf_counter() - started:.0f} s")
    problem, campaigns = eq.Problem.from_dict(parts.problem()), eq.Campaigns(parts.campaigns())
    measures = ["value", "displacement"]
    sample = eq.Opportunities(parts.log(0), measures)

    held: dict[int, dict] = {}
    certified: dict[int, list[dict]] = {}
    ratios: list[float] = []
    for part in range(1, options.parts):
        log = eq.Opportunities(parts.log(part), measures)
        # The plan has the same bits each time: only what certifies it changes.
        plan = eq.plan(problem, sample, campaigns, fresh=log, tolerance=options.tolerance, progress=False)
        serving = plan.certificate.serving
        ledgers = pa.table(serving.ledgers).to_pylist()
        held[part] = parts.held(part, np.asarray(plan.policy.replay(log)["picked"]))
        certified[part] = ledgers
        binding = {
            row["scope"] for row in pa.table(plan.prices).to_pylist() if row["kind"] == "cap" and row["price"] > 0
        }
        scale = serving.quantile * np.sqrt(1 + serving.flight / serving.weight)
        caps = [row for row in ledgers if row["kind"] == "cap" and row["scope"] in binding]
        ratios += [row["half_width"] / (scale * np.sqrt(row["bound"])) for row in caps]
        say(f"part {part}: {plan.status}, {len(ledgers)} ledgers, {len(caps)} binding caps, {serving.outlooks}")

    tests = [(part, part % (options.parts - 1) + 1) for part in certified]
    out = {test: missed(certified[test[0]], held[test[1]]) for test in tests}
    for (certifying, tested), found in out.items():
        say(f"certified on {certifying}, tested on {tested}: {'; '.join(found[:3]) or 'all hold'}")
    first = sum(not missed(certified[1], held[part]) for part in held if part != 1)
    line = {
        "bench": "certificate",
        "case": f"{options.parts} parts of {options.size} campaigns={options.campaigns} seed={options.seed}",
        "subject": "equipoise",
        "peer": "asked",
        "ours": sum(not found for found in out.values()),
        "theirs": int(np.ceil(0.85 * len(tests))),
        "unit": "tests that hold",
        "repeats": len(tests),
        "ledgers": len(certified[1]),
        "quantile": serving.quantile,
        "half_width_ratio": round(float(np.median(ratios)), 4),
        "half_width_ratio_asked": 1.15,
        "first_certificate": f"{first} of {len(held) - 1}",
    }
    print(json.dumps(line), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
