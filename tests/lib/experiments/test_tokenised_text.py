"""The file that carries real text to the machine with the GPU."""

import json

import numpy as np
import pytest

from samplebook.experiments.tokenised_text import END, load, prepare

TRAINING = ["the cat sat on the mat, and the rat", "the dog saw the cat\nand ran"] * 20
HELD_OUT = ["the rat ran on the mat; naïve"]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    pytest.importorskip("tokenizers")
    file = tmp_path_factory.mktemp("data") / "text.npz"
    prepare(file, 300, (TRAINING, HELD_OUT))
    return file


def test_the_tokens_are_the_text(file):
    from tokenizers import Tokenizer

    text = load(file)
    assert text.training.dtype == text.held_out.dtype == np.uint16
    assert text.about["tokens"] == {
        "training": len(text.training),
        "held_out": len(text.held_out),
    }
    assert max(text.training.max(), text.held_out.max()) < text.vocabulary <= 300
    with np.load(file) as stored:
        tokenizer = Tokenizer.from_str(str(stored["tokenizer"]))
    decoded = tokenizer.decode(text.training.tolist(), skip_special_tokens=False)
    assert decoded == "".join(document + END for document in TRAINING)
    assert tokenizer.decode(text.held_out.tolist()) == HELD_OUT[0]


def test_the_same_text_gives_the_same_tokens(file, tmp_path):
    again = prepare(tmp_path / "again.npz", 300, (TRAINING, HELD_OUT))
    assert again == load(file).about


def test_a_changed_file_is_refused(file, tmp_path):
    with np.load(file) as stored:
        arrays = dict(stored)
    arrays["held_out"] = arrays["held_out"][::-1]
    changed = tmp_path / "changed.npz"
    np.savez(changed, **arrays)
    with pytest.raises(ValueError, match=r"changed\.npz: the tokens do not fit"):
        load(changed)


@pytest.mark.parametrize("vocabulary", [256, 70_000])
def test_the_vocabulary_has_room_for_bytes_and_fits_16_bits(tmp_path, vocabulary):
    with pytest.raises(ValueError, match="vocabulary: must be 257"):
        prepare(tmp_path / "text.npz", vocabulary, (TRAINING, HELD_OUT))


def test_sources_and_licences_are_noted(file):
    about = json.loads(json.dumps(load(file).about))
    assert about["sources"] == []  # these documents are the test's own
    assert len(about["tokenizer_sha256"]) == len(about["tokens_sha256"]) == 64
