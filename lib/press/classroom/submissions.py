"""Find submitted notebooks in a folder, however it was filled: by nbgrader, Canvas, Moodle or hand.

nbgrader has ``STUDENT/ASSIGNMENT/ASSIGNMENT.ipynb``. Canvas puts all files in one folder and names them
``NAME_USERID_FILEID_FILE.ipynb``. Moodle has a folder ``NAME_ID_assignsubmission_file_`` for each student, or
files whose names begin so. Otherwise the student is the file's outermost folder. Any of these may lie in a
folder that is named after the assignment.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

CANVAS = re.compile(
    r"(?P<name>.+?)(?:_LATE)?_(?P<number>\d+)_(?P<upload>\d+)_(?P<file>.+)"
)
MOODLE = re.compile(
    r"(?P<name>[^_]+)_(?P<number>\d+)_assignsubmission_file(?:_(?P<file>.*))?"
)
LARGEST_NOTEBOOK = 20_000_000
"""Bytes of a submitted file; a larger one is not read."""
LONGEST_NAME = 200
"""Bytes of a student's name in file names; Linux allows 255 with what is added."""
CONTROL_CHARACTERS = {"Cc", "Cs", "Zl", "Zp"}
ARCHIVES = {".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"}

NO_ASSIGNMENT = "it belongs to no assignment"
NO_NOTEBOOK = "it is no notebook (.ipynb)"
PACKED = "it is an archive: unpack it first"
REPLACED = "the student handed in a newer file"
TWO_STUDENTS = (
    "its folder and its name may stand for two students: files from Canvas or Moodle belong into "
    "the folder of submissions itself, or into one that is named after the assignment"
)
SAME_NAME = "another student has the same name"


@dataclass(frozen=True)
class Submission:
    """One submitted notebook: whose it is, and of which assignment.

    ``system`` is the learning system whose number ``number`` is, if a name had one. Canvas numbers the files
    too, in ``upload``: the later, the larger.
    """

    student: str
    assignment: str
    path: Path
    system: str = ""
    number: str = ""
    upload: int = 0

    @property
    def unique_name(self) -> str:
        """The student's name, with the number that tells two of the same name apart, as a file name."""
        name = "-".join(filter(None, [self.student, self.number]))
        encoded = name.encode()
        if len(encoded) <= LONGEST_NAME:
            return name
        beginning = encoded[:LONGEST_NAME].decode(errors="ignore")
        return f"{beginning}-{hashlib.sha256(encoded).hexdigest()[:8]}"

    @property
    def age(self) -> tuple[float, int, str]:
        """Orders the files of one student from the oldest to the newest."""
        return self.path.stat().st_mtime, self.upload, str(self.path)


@dataclass(frozen=True)
class Found:
    """What a folder holds.

    ``left_out`` has the files that are not marked, each with the reason; ``doubts`` has those that are marked
    but whose assignment is in doubt.
    """

    submissions: list[Submission] = field(default_factory=list)
    left_out: list[tuple[Path, str]] = field(default_factory=list)
    doubts: list[tuple[Path, str]] = field(default_factory=list)


def readable(text: str, *, allowed: str = "") -> str:
    """A stranger's text as every file and page can hold it: composed letters, no control characters.

    Parameters
    ----------
    text : str
        Such as a file's name or an error's message.
    allowed : str
        Control characters that may stay.
    """
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(character) in CONTROL_CHARACTERS
        and character not in allowed
        else character
        for character in unicodedata.normalize("NFC", text)
    )


def declared_assignment(path: Path) -> str:
    """The assignment that a release's metadata name; empty if the file cannot say."""
    try:
        if path.stat().st_size > LARGEST_NOTEBOOK:
            return ""
        metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
        return str(metadata["samplebook"]["assignment"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return ""


def named_assignment(name: str, slugs: Iterable[str]) -> str:
    """The assignment that a file's name contains as a word, the longest if there are several; or empty."""
    for slug in sorted(slugs, key=len, reverse=True):
        word = re.escape(slug).replace(r"\-", "[-_ ]")
        if re.search(rf"(?<![a-z0-9]){word}(?![a-z0-9])", name.lower()):
            return slug
    return ""


def assignment_folder(folders: list[str], slugs: list[str]) -> int | None:
    """Which of a file's folders, from the outermost, names an assignment: the second, the first, or none."""
    for place in (1, 0):
        if len(folders) > place and folders[place].lower() in slugs:
            return place
    return None


def own_name(stem: str) -> str:
    """A file's name without what a learning system has put before it."""
    match = MOODLE.fullmatch(stem) or CANVAS.fullmatch(stem)
    return (match and match["file"]) or stem


def assignment_of(path: Path, folder: str, slugs: list[str]) -> tuple[str, str]:
    """The assignment that a file answers, and why that is in doubt.

    A folder decides, since it is the teacher's; then the notebook's metadata, since a release has them; then
    the file's name. A student gains nothing by a wrong one: the marks are those of the tests that are run.

    Parameters
    ----------
    path : pathlib.Path
        The notebook.
    folder : str
        The assignment that its folder names, or empty.
    slugs : list of str
        The assignments.
    """
    declared = declared_assignment(path)
    named = named_assignment(own_name(path.stem), slugs)
    said = {
        "its folder says": folder,
        "its metadata say": declared if declared in slugs else "",
        "its name says": named,
    }
    slug = next(filter(None, said.values()), "")
    others = [
        f"{who} {other}" for who, other in said.items() if other not in ("", slug)
    ]
    return slug, f"marked as {slug}, though {' and '.join(others)}" if others else ""


def submission_of(path: Path, names: list[str], assignment: str) -> Submission | None:
    """Whose submission a file is.

    A student chooses the names of files and of folders inside the own folder: only the outermost counts.

    Parameters
    ----------
    path : pathlib.Path
        The notebook.
    names : list of str
        Its folders, from the outermost, without that of the assignment.
    assignment : str
        The assignment.

    Returns
    -------
    Submission or None
        None if folder and file may stand for two students.
    """
    for name in filter(MOODLE.fullmatch, names):
        match = MOODLE.fullmatch(name)
        assert match is not None
        student = readable(match["name"])
        return Submission(student, assignment, path, "moodle", match["number"])
    moodle, canvas = MOODLE.fullmatch(path.stem), CANVAS.fullmatch(path.stem)
    if names:
        unclear = moodle or canvas
        return None if unclear else Submission(readable(names[0]), assignment, path)
    if moodle:
        student = readable(moodle["name"])
        return Submission(student, assignment, path, "moodle", moodle["number"])
    if canvas:
        student, upload = readable(canvas["name"]), int(canvas["upload"])
        return Submission(student, assignment, path, "canvas", canvas["number"], upload)
    return Submission(readable(path.stem), assignment, path)


def visible_files(folder: Path) -> Iterator[Path]:
    """Files below a folder. Links are not followed, hidden files and folders are passed over."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        is_hidden = any(part.startswith(".") for part in parts)
        if path.is_file() and not path.is_symlink() and not is_hidden:
            yield path


def why_no_notebook(path: Path, slugs: list[str]) -> str:
    """Why a file that is no notebook should not go unnoticed; empty if it may."""
    if path.suffix.lower() in ARCHIVES:
        return PACKED
    return NO_NOTEBOOK if named_assignment(path.name, slugs) else ""


def all_submissions(folder: Path, slugs: list[str], found: Found) -> list[Submission]:
    """All notebooks that answer an assignment; what is left out goes into ``found``."""
    submissions = []
    for path in visible_files(folder):
        if path.suffix.lower() != ".ipynb":
            reason = why_no_notebook(path, slugs)
            if reason:
                found.left_out.append((path, reason))
            continue
        folders = list(path.relative_to(folder).parts[:-1])
        place = assignment_folder(folders, slugs)
        named = "" if place is None else folders.pop(place).lower()
        slug, doubt = assignment_of(path, named, slugs)
        submission = submission_of(path, folders, slug)
        if not slug or submission is None:
            found.left_out.append((path, TWO_STUDENTS if slug else NO_ASSIGNMENT))
            continue
        submissions.append(submission)
        if doubt:
            found.doubts.append((path, doubt))
    return submissions


def find_submissions(folder: Path, slugs: Iterable[str]) -> Found:
    """All submissions below a folder, one for each student and assignment: the newest file."""
    found = Found()
    newest: dict[tuple[str, str], Submission] = {}
    submissions = all_submissions(folder, list(slugs), found)
    for submission in sorted(submissions, key=lambda one: one.age):
        key = (submission.unique_name, submission.assignment)
        other = newest.get(key, submission)
        if (other.student, other.number) != (submission.student, submission.number):
            found.left_out.append((submission.path, SAME_NAME))
            continue
        if other is not submission:
            found.left_out.append((other.path, REPLACED))
        newest[key] = submission
    order = sorted(newest.values(), key=lambda one: (one.assignment, one.unique_name))
    found.submissions.extend(order)
    return found
