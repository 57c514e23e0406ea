"""The goals of the scoring bench: which lines have one, and how each is written beside what was found.

A goal is a least `ratio = theirs / ours`, so "at most 1.25 times the peer" is 1 / 1.25; that of a load is the most that
`ours` may take. Goals hold for 10 k campaigns on the best path unless they say otherwise.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Goal:
    """Lines of one subject and peer whose case has all these words; `path=best` is the best path of the machine."""

    subject: str
    peer: str
    words: str
    goal: float
    of: str = "ratio"

    def concerns(self, line: dict[str, Any], best: str) -> bool:
        """Whether it is a goal of this line."""
        same = (self.subject, self.peer) == (line["subject"], line["peer"])
        wanted = self.words.replace("path=best", f"path={best}").split()
        return same and set(wanted) <= set(line["case"].split())

    def note(self, line: dict[str, Any]) -> dict[str, Any]:
        """The line with the goal, and whether it is met."""
        met = line["ratio"] >= self.goal if self.of == "ratio" else line[self.of] <= self.goal
        return line | {"goal": round(self.goal, 3), "goal_of": self.of, "met": met}


BEST = "campaigns=10k path=best"
GOALS = [
    Goal("rust", "rust-plain", f"{BEST} n=500 reference=given", 8),
    Goal("rust", "rust-plain", f"{BEST} n=500 reference=sorted", 8),
    Goal("rust", "floor", f"{BEST} n=500 reference=given", 1 / 3),
    *(Goal("rust", "rust-plain", f"path=portable n={n}", 1) for n in (50, 500, 2000)),
    *(Goal("rust", "rust", f"{BEST} explained=5 n={n}", 1 / 1.1) for n in (50, 500, 2000)),
    *(Goal("rust", "rust", f"{BEST} propensities n={n}", 1 / 1.25) for n in (50, 500, 2000)),
    Goal("rust", "rust without swap", f"{BEST} n=500 swap=1ms p50", 1 / 1.05),
    Goal("rust", "rust without swap", f"{BEST} n=500 swap=1ms p99", 1 / 1.25),
    *(Goal("rust", "rust p50", f"{BEST} closed-loop p99.9 n={n}", 1 / 3) for n in (50, 500, 2000)),
    Goal("rust", "read", "load campaigns=1M", 60, of="ours"),
    *(Goal("avx2", "avx512", f"campaigns=10k n={n}", 1 / 2) for n in (50, 500, 2000)),
    *(Goal("java-buffer", "rust", f"{BEST} n={n}", 1 / g) for n, g in ((50, 1.1), (500, 1.05), (2000, 1.05))),
    *(Goal("java-heap", "rust", f"{BEST} n={n}", 1 / g) for n, g in ((50, 1.35), (500, 1.25), (2000, 1.1))),
    *(Goal("java-buffer", "java-plain", f"{BEST} n={n}", g) for n, g in ((50, 2), (500, 7), (2000, 8))),
    *(Goal("java-filled", "java-plain", f"{BEST} n={n}", g) for n, g in ((50, 1.5), (500, 5), (2000, 5))),
    Goal("java-buffer", "java-vector", f"{BEST} n=500", 4),
    Goal("java-buffer", "java-objects", f"{BEST} n=500", 15),
    Goal("java-filled", "java-filled without swap", f"{BEST} n=500 swap=1ms p50", 1 / 1.05),
    Goal("java-filled", "java-filled without swap", f"{BEST} n=500 swap=1ms p99", 1 / 1.25),
    *(Goal("python-prepared", "rust", f"{BEST} n={n}", 1 / g) for n, g in ((50, 1.5), (500, 1.1))),
    Goal("python-prepared", "numpy", f"{BEST} n=500", 35),
    Goal("python-prepared", "onnxruntime", f"{BEST} n=500", 50),
    Goal("python-prepared", "grpc", f"{BEST} n=500", 100),
    *(Goal(subject, "numpy", "rows=1M campaigns=10k", 8) for subject in ("python-batch", "python-log", "python-table")),
]


class Goals:
    """Notes goals in lines as they come, the best path first."""

    def __init__(self) -> None:
        self.best = ""
        self.noted: list[dict[str, Any]] = []

    def note(self, line: dict[str, Any]) -> dict[str, Any]:
        """The line, with its goal where it has one."""
        paths = [word.removeprefix("path=") for word in line["case"].split() if word.startswith("path=")]
        self.best = self.best or "".join(paths[:1])
        for goal in GOALS:
            if goal.concerns(line, self.best):
                self.noted.append(goal.note(line))
                return self.noted[-1]
        return line

    def told(self) -> list[str]:
        """A line per goal, for people."""
        width = max((len(line["case"]) for line in self.noted), default=0)
        return [
            f"{'met   ' if line['met'] else 'MISSED'} {line['subject']:15} {line['peer']:24} {line['case']:{width}} "
            f"{line['goal_of']} {line[line['goal_of']]:.3f}, goal {line['goal']:.3f}"
            for line in self.noted
        ]
