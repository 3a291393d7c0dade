"""The trigram reader against the package's own decoder, and its laws."""

import numpy as np
import pytest

from samplebook.data.packages import DataPackageMissingError, installed_folder
from samplebook.data.word_trigrams import load_word_trigrams, read_trie, unpack_bits


@pytest.fixture(scope="module")
def trigrams():
    return load_word_trigrams()


@pytest.mark.parametrize(
    "history",
    [
        ("the", "united"),
        ("of", "the"),
        ("xylophone", "zulu"),
        ("a",),
        ("<s>", "i"),
        ("in", "new"),
    ],
)
def test_probabilities_equal_the_packages_own(trigrams, history):
    pocketsphinx = pytest.importorskip("pocketsphinx")
    path = str(installed_folder("pocketsphinx") / "model/en-us/en-us.lm.bin")
    log_math = pocketsphinx.LogMath()
    decoder = pocketsphinx.NGramModel(pocketsphinx.Config(lm=path), log_math, path)
    numbers = [trigrams.number[word] for word in history]
    ours = trigrams.unnormalised_law(numbers, 3)
    random = np.random.default_rng(0).integers(len(ours), size=200)
    checked = np.concatenate([np.argsort(-ours)[:50], random])
    newest_first = list(reversed(history))
    theirs = [
        log_math.exp(decoder.prob([trigrams.words[w], *newest_first])) for w in checked
    ]
    # the package rounds logarithms to whole powers of 1.0001
    np.testing.assert_allclose(theirs, ours[checked], rtol=1.1e-4)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_laws_are_laws(trigrams, order):
    rng = np.random.default_rng(order)
    start = trigrams.number["<s>"]
    for history in rng.integers(len(trigrams.words), size=(20, 2)):
        law = trigrams.law(history, order)
        assert law.shape == (len(trigrams.words),)
        assert law.min() >= 0 and law[start] == 0
        assert abs(law.sum() - 1) < 1e-12


def test_a_law_depends_on_the_last_words_only(trigrams):
    long, short = (
        trigrams.encode("they live in the united"),
        trigrams.encode("the united"),
    )
    np.testing.assert_array_equal(trigrams.law(long, 3), trigrams.law(short, 3))
    np.testing.assert_array_equal(trigrams.law(long, 2), trigrams.law(short[1:], 3))


def test_next_word_laws_follow_the_protocol(trigrams):
    tokens = trigrams.encode("we live in the united states")[None, :]
    laws = trigrams.next_word_laws(3)(tokens, 2)
    assert laws.shape == (1, 2, len(trigrams.words))
    np.testing.assert_array_equal(laws[0, 0], trigrams.law(tokens[0, :-1], 3))
    np.testing.assert_array_equal(laws[0, 1], trigrams.law(tokens[0], 3))


def test_text_round_trip(trigrams):
    assert trigrams.decode(trigrams.encode("The boy's name, qqqq!")) == "the boy's name"


def test_bad_input_is_named(trigrams):
    with pytest.raises(ValueError, match="order"):
        trigrams.law([0], 4)
    with pytest.raises(ValueError, match="history"):
        trigrams.law([len(trigrams.words)], 2)
    with pytest.raises(DataPackageMissingError, match="no_such_package"):
        installed_folder("no_such_package")


def test_another_file_is_refused(tmp_path):
    (tmp_path / "other.bin").write_bytes(b"something else entirely" * 10)
    with pytest.raises(ValueError, match="other.bin"):
        read_trie(tmp_path / "other.bin")


def test_unpack_bits_inverts_packing():
    rng = np.random.default_rng(0)
    rows = rng.integers(2**12, size=50)
    packed = sum(int(value) << (33 * i + 5) for i, value in enumerate(rows))
    data = np.frombuffer(packed.to_bytes(33 * 50 // 8 + 8, "little"), dtype=np.uint8)
    np.testing.assert_array_equal(unpack_bits(data, 50, 33, 5, 12), rows)
