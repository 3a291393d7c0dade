"""A graded submission."""

from dataclasses import dataclass

from press.classroom.assignments import Assignment, Task
from press.classroom.submissions import Submission


@dataclass(frozen=True)
class Grade:
    """One student's result in one assignment.

    ``passed`` says which test cells passed, ``messages`` what the visible ones found, ``notes`` what happened
    to the student's cells, ``problem`` why the submission could not be marked (empty if it was). Points count
    only where there is no problem.
    """

    submission: Submission
    assignment: Assignment
    passed: dict[str, bool]
    messages: dict[str, str]
    notes: list[str]
    problem: str = ""

    def points_in(self, task: Task) -> int:
        return sum(test.points for test in task.tests if self.passed[test.name])

    @property
    def was_not_run(self) -> bool:
        """Whether there was nothing to run, as in a file that is no notebook; the notes say why."""
        found_something = any(self.passed.values()) or any(self.messages.values())
        return not self.problem and not found_something

    @property
    def points(self) -> int:
        return sum(map(self.points_in, self.assignment.tasks))
