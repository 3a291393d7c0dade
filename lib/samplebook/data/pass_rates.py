"""What SmolLM2 answers to short reasoning problems: exact probabilities, and checks that only look thorough.

The problems come from the package ``reasoning-gym`` (Apache-2.0). Each has one right answer, a whole number.
SmolLM2 reads three solved problems, a line each, and the question, such as ``12 + 62 =``; its answer is what
it writes up to the first line break.
The probability of an answer is a product of next-token probabilities, so it is computed and not counted
(:mod:`samplebook.data.measure_pass_rates`). Stored are all answers of a probability of at least 0.002.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from samplebook.data.packages import stored_file


@dataclass(frozen=True)
class AnsweredProblem:
    """A problem, and the law of SmolLM2's answer to it at temperature 1.

    Attributes
    ----------
    question : str
        Such as ``"12 + 62 ="`` or ``"gcd(36, 33) ="``.
    answer : int
        The right answer.
    pass_probability : float
        Of exactly the right answer and a line break.
    wrong : dict of int to float
        Every other number that is answered with a probability of at least 0.002, the most probable first.
        What is missing to 1 are rarer numbers, and outputs that are no number.
    prompt_tokens, answer_tokens : int
        How many tokens SmolLM2 reads, and how many the right answer has with its blank and the line break.
    """

    question: str
    answer: int
    pass_probability: float
    wrong: dict[int, float]
    prompt_tokens: int
    answer_tokens: int

    @property
    def numbers(self) -> list[int]:
        """The numbers in the question."""
        return [int(number) for number in re.findall(r"\d+", self.question)]


def read_record() -> dict[str, Any]:
    """The stored record with its provenance: model, versions, prompts, seeds."""
    file = stored_file("data/measured/smollm2-pass-rates.json")
    return json.loads(file.read_text(encoding="utf-8"))


def load_pass_rates() -> dict[str, list[AnsweredProblem]]:
    """The problems of each family, in the order of the record.

    The families are ``"sums of 1 digit"``, ``"sums of 2 digits"``, ``"sums of 3 digits"`` (with differences
    among them) and ``"greatest common divisors"``.
    """
    return {
        family["name"]: [as_problem(entry) for entry in family["problems"]]
        for family in read_record()["families"]
    }


def as_problem(entry: dict[str, Any]) -> AnsweredProblem:
    """A problem out of its entry in the record."""
    wrong = {int(number): chance for number, chance in entry["wrong"].items()}
    return AnsweredProblem(
        question=entry["question"],
        answer=int(entry["answer"]),
        pass_probability=entry["pass_probability"],
        wrong=wrong,
        prompt_tokens=entry["prompt_tokens"],
        answer_tokens=entry["answer_tokens"],
    )


Check = Callable[[AnsweredProblem, int], bool]


def casting_out_nines(problem: AnsweredProblem, candidate: int) -> bool:
    """Whether a candidate leaves the remainder of the right answer when divided by nine."""
    return (candidate - problem.answer) % 9 == 0


def is_common_divisor(problem: AnsweredProblem, candidate: int) -> bool:
    """Whether a candidate divides all numbers of the question; it may not be the greatest that does."""
    return candidate > 0 and all(n % candidate == 0 for n in problem.numbers)


INCOMPLETE_CHECKS: dict[str, Check] = {
    "sums of 1 digit": casting_out_nines,
    "sums of 2 digits": casting_out_nines,
    "sums of 3 digits": casting_out_nines,
    "greatest common divisors": is_common_divisor,
}
"""For each family a check that never rejects the right answer, and accepts some that are wrong."""


def false_accept_probability(problem: AnsweredProblem, check: Check) -> float:
    """Probability that SmolLM2 gives a wrong answer which a check accepts."""
    return sum(
        chance for number, chance in problem.wrong.items() if check(problem, number)
    )
