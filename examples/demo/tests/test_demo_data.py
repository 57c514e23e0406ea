"""The ratings: parsed as they stand in the file, in time order, without a download where the files are there."""

import numpy as np
import pytest
from data import Film, movielens, synthetic

RATINGS = """user_id:token\titem_id:token\trating:float\ttimestamp:float
9\t30\t3\t200
4\t10\t5\t100
9\t10\t1\t100
4\t20\t2\t300
"""
FILMS = """item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq
30\tWizard of Oz, The\t1939\tDrama
10\tunkonwn\tunkonwn\tunknown
20\tM*A*S*H, or so\t1970\tComedy War
"""


def test_files_become_ratings_in_time_order(tmp_path):
    folder = tmp_path / "ml-100k"
    folder.mkdir()
    (folder / "ml-100k.inter").write_text(RATINGS)
    (folder / "ml-100k.item").write_text(FILMS)
    ratings = movielens(tmp_path)
    assert ratings.time.tolist() == [100, 100, 200, 300]
    assert ratings.user.tolist() == [0, 1, 1, 0]  # users 4 and 9; of equal times the file's order
    assert [ratings.films[film].title for film in ratings.film] == [
        "unkonwn",
        "unkonwn",
        "The Wizard of Oz",
        "M*A*S*H, or so",
    ]
    assert [film.year for film in ratings.films] == [None, 1970, 1939]


@pytest.mark.parametrize(
    ("year", "decade"), [(None, None), (1939, "before 1960"), (1959, "before 1960"), (1960, "1960s"), (1998, "1990s")]
)
def test_decades(year, decade):
    assert Film("any", year).decade == decade


def test_the_synthetic_world_is_drawn_from_its_seed(ratings):
    again, other = synthetic(seed=3, users=150, films=400), synthetic(seed=4, users=150, films=400)
    assert np.array_equal(ratings.film, again.film)
    assert np.array_equal(ratings.time, again.time)
    assert not np.array_equal(ratings.film[:100], other.film[:100])
    assert (np.diff(ratings.time) >= 0).all()
    pairs = ratings.user * len(ratings.films) + ratings.film
    assert len(np.unique(pairs)) == len(ratings)  # nobody rates a film twice


def test_time_at_leaves_that_part_before_it(ratings):
    assert abs((ratings.time < ratings.time_at(0.6)).mean() - 0.6) < 0.01
