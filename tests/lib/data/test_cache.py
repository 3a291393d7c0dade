"""The cache: made once, never seen half done."""

import pytest

from samplebook.data import cache


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_made_once_for_the_same_inputs(root):
    made = []

    def make(folder):
        made.append(folder)
        (folder / "file").write_text("done")

    first = cache.cached_folder("toy", {"version": "1"}, make)
    again = cache.cached_folder("toy", {"version": "1"}, make)
    other = cache.cached_folder("toy", {"version": "2"}, make)
    assert first == again != other
    assert (first / "file").read_text() == "done"
    assert len(made) == 2
    assert sorted(root.iterdir()) == sorted([first, other])


def test_a_failed_maker_leaves_nothing(root):
    def fail(folder):
        (folder / "half").write_text("half")
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        cache.cached_folder("toy", {}, fail)
    assert list(root.iterdir()) == []


def test_whoever_comes_second_takes_what_is_there(root):
    def make(folder):
        (folder / "file").write_text("mine")
        theirs = cache.cached_folder("toy", {}, write_theirs)
        assert (theirs / "file").read_text() == "theirs"

    def write_theirs(folder):
        (folder / "file").write_text("theirs")

    folder = cache.cached_folder("toy", {}, make)
    assert (folder / "file").read_text() == "theirs"


def test_without_the_variable_a_checkout_keeps_it_in_its_build_folder(monkeypatch):
    monkeypatch.delenv(cache.FOLDER_VARIABLE)
    assert cache.cache_root().parts[-2:] == ("_build", "cache")
