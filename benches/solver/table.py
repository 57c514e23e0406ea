"""The table of README.md, from the JSON lines of runs."""

import json
from pathlib import Path

BEGIN, END = "<!-- figures: scripts/bench solver --render -->", "<!-- end of figures -->"


def keep(path: Path, line: dict) -> None:
    """Adds a line to the file."""
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def render(path: Path, page: Path) -> None:
    """Writes the table between the marks of the page."""
    text = page.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    rows = ["| case | peer | ours | theirs | theirs / ours | |", "|---|---|---|---|---|---|"]
    rows += [_row(line) for line in sorted(_read(path), key=_place)]
    page.write_text(before + BEGIN + "\n" + "\n".join(rows) + "\n" + END + after)


def _place(line: dict) -> tuple:
    """Small instances first, and what is said of one instance together."""
    size = line["case"].split()[0]
    return "TSML".index(size), line["unit"] != "s", line["unit"], line["case"]


def _row(line: dict) -> str:
    ratio = f"{line['ratio']:.3g}" if line.get("ratio") is not None else ""
    cells = [
        line["case"],
        line["peer"],
        _amount(line["ours"], line["unit"]),
        _amount(line["theirs"], line["unit"]),
        ratio,
        _remark(line),
    ]
    return "| " + " | ".join(cells) + " |"


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    if unit == "s":
        return f"{1e3 * value:.3g} ms" if value < 1 else f"{value:.3g} s"
    return f"{value:.3g} {unit}"


def _remark(line: dict) -> str:
    """What a reader should know beside the figures."""
    parts = []
    if line["ours"] is None:
        parts.append(f"ours: {line.get('status', 'not solved')}")
    if line["unit"] == "s" and "passes" in line:
        theirs = f" / {line['their_passes']:.0f}" if line.get("their_passes") else ""
        parts.append(f"{line['passes']:.0f}{theirs} passes")
    if line.get("busy") and line.get("their_busy"):
        parts.append(f"processor {_amount(line['busy'], 's')} / {_amount(line['their_busy'], 's')}")
    if line["theirs"] is None and "their_status" in line:
        late = line["their_status"] == "killed" or "time" in line["their_status"].lower()
        parts.append(
            f"not within {line.get('their_limit', 180):.0f} s" if late else f"theirs ends as {line['their_status']}"
        )
    if line.get("their_violation", 0) and line["their_violation"] > 1e-9:
        parts.append(f"theirs violates by {line['their_violation']:.0e}")
    if line.get("violation", 0) > 1e-9:
        parts.append(f"ours violates by {line['violation']:.0e}")
    if line.get("unsolved"):
        parts.append(f"{line['unsolved']} not solved")
    if "worst" in line:
        parts.append(f"worst {line['worst']:.0f} / {line['their_worst']:.0f}")
    if "all" in line:
        parts.append("largest {:.0f} / {:.0f}".format(max(line["all"]), max(line["their_all"])))
    if "gigabytes_per_second" in line:
        parts.append(f"{line['gigabytes_per_second']} GB/s, {line['packed_bytes_per_row']} bytes a row")
    return "; ".join(parts)


def _read(path: Path) -> list[dict]:
    """The lines of the file; of those with the same case, peer and unit the last."""
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return list({(line["case"], line["peer"], line["unit"]): line for line in lines}.values())
