"""The two pictures of the demo: what each film was given against its contract, and what value costs the listener."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
from campaigns import DECADES, Campaigns
from outcome import Outcome

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

# Okabe and Ito's colours, told apart with any colour vision; markers differ as well.
KEPT, MISSED, EXCEEDED = "#0072B2", "#B87400", "#D55E00"
STYLES = {
    "fixed boost": ("#D55E00", "s", 1.6),
    "boost with hard caps": ("#E69F00", "^", 1.6),
    "value per displacement": ("#009E73", "D", 1.6),
    "equipoise, one plan": ("#56B4E9", "o", 1.8),
    "equipoise, re-planned": ("#0072B2", "o", 3.0),
}
INK, PALE = "#222222", "#D9DEE4"


def _style() -> None:
    plt.rcParams.update(
        {
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": "#888888",
            "axes.labelcolor": INK,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "figure.facecolor": "white",
        }
    )


def delivery(path: Path, source: str, campaigns: Campaigns, outcomes: dict[str, Outcome]) -> None:
    """One panel per method: places given to each film, over the grey band from its floor to its cap."""
    _style()
    count = len(campaigns)
    heights = np.arange(count) + campaigns.decade * 1.4  # a gap before each decade
    edge = 1.75 * float(campaigns.cap.max())
    figure, panels = plt.subplots(1, len(outcomes), figsize=(4.1 + 2.75 * len(outcomes), 10.2), sharey=True)
    for panel, (name, outcome) in zip(panels, outcomes.items(), strict=True):
        _delivery_panel(panel, campaigns, heights, outcome, edge)
        missed = campaigns.floors - outcome.floors_met
        verdict = f"{outcome.over:,.0f} places beyond caps\n{missed} of {campaigns.floors} promises missed"
        panel.text(0.0, 1.043, name, transform=panel.transAxes, va="bottom", fontweight="bold", fontsize=11.5)
        panel.text(0.0, 1.004, verdict, transform=panel.transAxes, va="bottom", fontsize=9)
    labels = [title if len(title) <= 32 else f"{title[:30].rstrip()} …" for title in campaigns.names]
    panels[0].set_yticks(heights, labels, fontsize=8.5)
    panels[0].set_ylim(heights[-1] + 0.8, heights[0] - 1.7)
    figure.suptitle(
        f"Places given to each film in the served half, against floor and cap ({source})",
        x=0.012, ha="left", fontsize=14, fontweight="bold",
    )  # fmt: skip
    _legend(figure)
    figure.supxlabel(
        "promoted places given (one place = one film shown once in a promoted place)", fontsize=10, y=0.014
    )
    figure.tight_layout(rect=(0, 0.01, 1, 0.958))
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _delivery_panel(panel: Axes, campaigns: Campaigns, heights: np.ndarray, outcome: Outcome, edge: float) -> None:
    given = outcome.delivered
    panel.barh(heights, campaigns.cap - campaigns.floor, left=campaigns.floor, height=0.72, color=PALE, zorder=1)
    over, short = given > campaigns.cap, given < campaigns.floor
    for which, colour, marker in ((~over & ~short, KEPT, "o"), (short, MISSED, "v"), (over, EXCEEDED, ">")):
        panel.scatter(
            np.minimum(given[which], edge), heights[which], s=42, color=colour, marker=marker, zorder=3, clip_on=False
        )
    for height, places in zip(heights[given > edge], given[given > edge], strict=True):
        panel.text(
            edge * 0.955,
            height,
            f"{places:,.0f}",
            ha="right",
            va="center",
            fontsize=8,
            color=EXCEEDED,
            fontweight="bold",
        )
    decades = np.bincount(campaigns.decade, weights=given, minlength=len(DECADES))
    for decade, name in enumerate(DECADES):
        top = heights[campaigns.decade == decade].min() - 0.95
        kept = decades[decade] >= campaigns.decade_floor
        text = f"{name}: {decades[decade]:,.0f} of {campaigns.decade_floor:,.0f} promised" + (
            "" if kept else ", missed"
        )
        panel.text(0.0, top, text, fontsize=8.5, va="center", fontweight="bold", color=INK if kept else MISSED)
    panel.set_xlim(0, edge)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", color="#EEEEEE", zorder=0)
    panel.set_axisbelow(True)


def _legend(figure: plt.Figure) -> None:
    handles = [
        plt.Line2D([], [], color=PALE, linewidth=8, label="from floor to cap"),
        plt.Line2D([], [], color=KEPT, marker="o", linestyle="", label="contract kept"),
        plt.Line2D([], [], color=MISSED, marker="v", linestyle="", label="below its floor"),
        plt.Line2D([], [], color=EXCEEDED, marker=">", linestyle="", label="beyond its cap (number: off the scale)"),
    ]
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.008, 0.966), ncols=4, frameon=False, fontsize=9.5
    )


def trade_off(
    path: Path, source: str, *, floors: int, chosen: float, levels: list[float], curves: dict[str, list[Outcome]]
) -> None:
    """
    Value and promises over listener loss; every method tuned on the first half for each guardrail level, served on the
    second.
    """
    _style()
    figure, (left, right) = plt.subplots(1, 2, figsize=(13.2, 6.2))
    ringed = levels.index(chosen)
    _curves(left, ringed, curves, lambda outcome: outcome.net)
    _curves(right, ringed, curves, lambda outcome: outcome.floors_met)
    for panel in (left, right):
        panel.axvline(100.0 * chosen, color="#777777", linestyle="--", linewidth=1, zorder=1)
        panel.grid(color="#EEEEEE", zorder=0)
        panel.set_axisbelow(True)
        panel.set_xlabel("listener loss in the served half (% of organic value)")
        panel.set_xlim(left=0)
    left.set_title("Value: fees less refunds for missing places (in fees)", loc="left", fontsize=11)
    right.set_title(f"Promises kept (of {floors} floors)", loc="left", fontsize=11)
    right.set_ylim(0, floors + 1.5)
    right.axhline(floors, color="#777777", linewidth=1, linestyle=":", zorder=1)
    left.annotate(
        f"guardrail of\nthe task: {100 * chosen:g} %",
        (100.0 * chosen, 0.02),
        xycoords=("data", "axes fraction"),
        xytext=(5, 0),
        textcoords="offset points",
        fontsize=9,
        color="#555555",
    )
    figure.suptitle(
        f"What promotion costs the listener, and what it buys ({source})",
        x=0.012,
        ha="left",
        fontsize=14,
        fontweight="bold",
    )
    points = ", ".join(f"{100 * level:g}" for level in levels)
    note = f"Points: tuned or planned for a guardrail of {points} % on what came before, served on the second half."
    figure.text(0.012, 0.915, note, fontsize=9.5, color="#555555")
    handles = [
        plt.Line2D([], [], color=colour, marker=marker, linewidth=width, label=_with_excess(name, curves[name][ringed]))
        for name, (colour, marker, width) in reversed(STYLES.items())
    ]
    ring = {"marker": "o", "markerfacecolor": "none", "markersize": 12, "linestyle": ""}
    handles.append(plt.Line2D([], [], color="#555555", label="the task's guardrail", **ring))
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.006, 0.905), ncols=3, frameon=False, fontsize=10)
    figure.tight_layout(rect=(0, 0, 1, 0.855))
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _with_excess(name: str, outcome: Outcome) -> str:
    return f"{name} ({outcome.over:,.0f} places over caps)" if outcome.over else name


def _curves(panel: Axes, ringed: int, curves: dict[str, list[Outcome]], quantity: Callable[[Outcome], float]) -> None:
    """One line per method, with a ring around the point that was tuned for the task."""
    for name, outcomes in curves.items():
        colour, marker, width = STYLES[name]
        loss = np.array([100.0 * outcome.loss for outcome in outcomes])
        height = np.array([quantity(outcome) for outcome in outcomes], dtype=float)
        panel.plot(loss, height, color=colour, marker=marker, markersize=5, linewidth=width, zorder=1 + width)
        panel.scatter(loss[ringed], height[ringed], s=150, facecolor="none", edgecolor=colour, linewidth=2, zorder=6)
