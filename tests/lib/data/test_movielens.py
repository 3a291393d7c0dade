"""MovieLens as it ships and as it is fetched; no test needs a network."""

import hashlib
import os
import zipfile
from importlib.util import find_spec

import numpy as np
import pytest

from samplebook.data.movielens import (
    ChecksumError,
    Ratings,
    fetch_ratings_1m,
    read_ratings_100k,
)
from samplebook.data.vote_splits import dense_core


@pytest.mark.skipif(
    find_spec("recbole") is None and os.environ.get("CI") != "true",
    reason="recbole is not installed",
)
def test_the_100k_set_has_the_sizes_that_its_publisher_states():
    ratings = read_ratings_100k()
    assert (ratings.users.max() + 1, ratings.items.max() + 1) == (943, 1_682)
    assert len(ratings.stars) == 100_000
    assert set(ratings.stars) == {1, 2, 3, 4, 5}
    np.testing.assert_array_equal(np.unique(ratings.users), np.arange(943))
    assert np.bincount(ratings.users).min() == 20
    votes = ratings.votes()
    assert len(votes) == 55_375 == (ratings.stars >= 4).sum()
    assert len(ratings.votes(at_least=5)) == (ratings.stars == 5).sum()
    core = dense_core(votes, of_user=30, of_item=40)
    assert (core.num_users, core.num_items, len(core)) == (468, 360, 34_725)


def archive(folder):
    """A file as the publisher packs it, with three ratings, and its SHA-256."""
    file = folder / "ml-1m.zip"
    with zipfile.ZipFile(file, "w") as files:
        files.writestr(
            "ml-1m/ratings.dat",
            "7::30::5::978300760\n7::10::3::978302109\n9::30::4::978301968\n",
        )
    return file.as_uri(), hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_1m_set_is_fetched_once(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMPLEBOOK_CACHE", str(tmp_path / "cache"))
    address, sha256 = archive(tmp_path)
    fetched = fetch_ratings_1m(address=address, sha256=sha256)
    (tmp_path / "ml-1m.zip").unlink()
    again = fetch_ratings_1m(address=address, sha256=sha256)
    for ratings in (fetched, again):
        np.testing.assert_array_equal(ratings.users, [0, 0, 1])
        np.testing.assert_array_equal(ratings.items, [1, 0, 1])
        np.testing.assert_array_equal(ratings.stars, [5, 3, 4])
        np.testing.assert_array_equal(ratings.times[:1], [978300760])


def test_another_file_is_refused_and_not_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMPLEBOOK_CACHE", str(tmp_path / "cache"))
    address, _ = archive(tmp_path)
    with pytest.raises(ChecksumError, match="has SHA-256 .*, expected a6898adb50b9"):
        fetch_ratings_1m(address=address)
    assert not list((tmp_path / "cache").iterdir())


def test_numbers_have_no_gaps():
    table = np.array([[5.0, 9.0, 4.0, 1.0], [2.0, 9.0, 2.0, 2.0], [5.0, 1.0, 5.0, 3.0]])
    ratings = Ratings.of_table(table)
    np.testing.assert_array_equal(ratings.users, [1, 0, 1])
    np.testing.assert_array_equal(ratings.items, [1, 1, 0])
    np.testing.assert_array_equal(
        ratings.votes().matrix(), [[False, False], [True, True]]
    )
