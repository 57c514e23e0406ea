"""The ratings the demo runs on: MovieLens 100K, or a synthetic world of the same shape."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
WHEEL_FOLDER = "recbole/dataset_example/ml-100k/"

MOVIELENS_TERMS = """
    MovieLens 100K by GroupLens, University of Minnesota: F. Maxwell Harper and Joseph A. Konstan, The MovieLens
    Datasets: History and Context, ACM TiiS 5(4):19, 2015, https://doi.org/10.1145/2827872. GroupLens' terms: for
    research; use is acknowledged in publications; no redistribution and no commercial use without permission; no
    endorsement is implied and nothing is guaranteed. Taken out of the PyPI wheel recbole 1.2.1 (whose code is MIT) when
    the demo runs, kept in out/, never committed.
"""
SYNTHETIC_TERMS = (
    "Synthetic ratings, drawn from a fixed seed; nothing was downloaded. The films and users do not exist."
)


@dataclass(frozen=True)
class Film:
    """One film. `year` is None where the source does not know it."""

    title: str
    year: int | None

    @property
    def decade(self) -> str | None:
        """Such as `1970s`; everything before 1960 is one party, since little of it was rated."""
        if self.year is None:
            return None
        return "before 1960" if self.year < 1960 else f"{self.year // 10 * 10}s"


@dataclass(frozen=True)
class Ratings:
    """
    All ratings, in time order; one entry of `user`, `film` and `time` per rating.

    `user` counts from 0, `film` indexes `films`, `time` is in seconds since 1970 UTC. How high a film was rated plays
    no part: a rating says that the user chose to see the film.
    """

    source: str
    terms: str
    user: np.ndarray
    film: np.ndarray
    time: np.ndarray
    films: list[Film]

    def __len__(self) -> int:
        return len(self.time)

    @property
    def users(self) -> int:
        """How many users there are."""
        return int(self.user.max()) + 1

    def time_at(self, fraction: float) -> int:
        """The instant before which `fraction` of all ratings were made."""
        return int(self.time[int(fraction * len(self))])


def movielens(cache: Path) -> Ratings:
    """
    MovieLens 100K as carried inside the PyPI wheel of recbole; downloaded into `cache` once (2 MB), checked by its
    hash.
    """
    folder = cache / "ml-100k"
    names = ("ml-100k.inter", "ml-100k.item")
    if not all((folder / name).exists() for name in names):
        cache.mkdir(parents=True, exist_ok=True)
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        download += ["--only-binary", ":all:", "--require-hashes", "--requirement", str(HERE / "data-requirements.txt")]
        subprocess.run([*download, "--dest", str(cache)], check=True)
        (wheel,) = cache.glob("recbole-1.2.1-*.whl")
        folder.mkdir(exist_ok=True)
        with zipfile.ZipFile(wheel) as archive:
            for name in names:
                (folder / name).write_bytes(archive.read(WHEEL_FOLDER + name))
    rows = np.loadtxt(folder / names[0], delimiter="\t", skiprows=1, dtype=np.float64)
    lines = (folder / names[1]).read_text(encoding="utf-8").splitlines()[1:]
    films: dict[int, Film] = {}
    for line in lines:
        number, title, year, _genres = line.split("\t")
        films[int(number)] = Film(_spoken(title), int(year) if year.isdigit() else None)
    numbers = sorted(films)
    position = {number: index for index, number in enumerate(numbers)}
    order = np.argsort(rows[:, 3], kind="stable")  # ties keep the file's own, shuffled, order
    rows = rows[order]
    return Ratings(
        source="MovieLens 100K",
        terms=MOVIELENS_TERMS,
        user=np.unique(rows[:, 0], return_inverse=True)[1].astype(np.int64),
        film=np.array([position[int(number)] for number in rows[:, 1]], dtype=np.int64),
        time=rows[:, 3].astype(np.int64),
        films=[films[number] for number in numbers],
    )


def synthetic(seed: int = 7, users: int = 700, films: int = 900) -> Ratings:
    """
    A made-up world with the habits of the real one: few films are loved by many, tastes differ, users come, rate and
    go.
    """
    rng = np.random.default_rng(seed)
    tastes, traits = rng.normal(size=(users, 8)), rng.normal(size=(films, 8))
    popularity = rng.permutation(-0.9 * np.log(np.arange(1, films + 1) + 8.0))
    years = np.clip(1998 - rng.exponential(14.0, size=films), 1930, 1997).astype(int)
    arrival = rng.uniform(0, 190 * 86400, size=users)
    wanted = np.clip(rng.lognormal(4.2, 0.8, size=users), 20, films // 3).astype(int)
    user, film, time = [], [], []
    for u in range(users):
        # Gumbel noise and a sort: a draw without replacement in proportion to exp(appeal), the best liked films early.
        appeal = 1.3 * popularity + 0.55 * traits @ tastes[u] + rng.gumbel(size=films)
        chosen = np.argsort(-appeal)[: wanted[u]]
        pauses = rng.exponential(40.0, size=wanted[u]) + (rng.random(wanted[u]) < 0.02) * rng.exponential(
            9 * 86400, size=wanted[u]
        )
        user.append(np.full(wanted[u], u))
        film.append(chosen)
        time.append(arrival[u] + np.cumsum(pauses))
    when = np.concatenate(time).astype(np.int64) + 1_000_000_000
    order = np.argsort(when, kind="stable")
    return Ratings(
        source="synthetic",
        terms=SYNTHETIC_TERMS,
        user=np.concatenate(user).astype(np.int64)[order],
        film=np.concatenate(film).astype(np.int64)[order],
        time=when[order],
        films=[Film(f"Film {index + 1:03}", int(year)) for index, year in enumerate(years)],
    )


def _spoken(title: str) -> str:
    """`Wizard of Oz, The` as `The Wizard of Oz`."""
    stem, _, article = title.rpartition(", ")
    return f"{article} {stem}" if article in {"The", "A", "An"} else title
