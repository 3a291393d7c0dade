"""Where everything of a book lies: its folders, its chapters and their results."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from press.errors import PressError


@dataclass(frozen=True)
class Chapter:
    """One notebook of the book, ``chapters/<part>/<slug>.ipynb``."""

    part: str
    slug: str

    @property
    def name(self) -> str:
        """The chapter as readers name it, such as ``drafts/spectr``."""
        return f"{self.part}/{self.slug}"


@dataclass(frozen=True)
class Book:
    """The tree of one book. Every function of the press takes one."""

    root: Path

    @property
    def library(self) -> Path:
        return self.root / "lib"

    @property
    def claims_folder(self) -> Path:
        return self.library / "samplebook" / "claims"

    @property
    def data_requirements_folder(self) -> Path:
        return self.library / "samplebook" / "data" / "requirements"

    @property
    def sweeps(self) -> Path:
        """The results of sweeps, ``<slug>.parquet``."""
        return self.root / "results" / "sweeps"

    @property
    def experiments(self) -> Path:
        """The records of large experiments, ``<slug>/<device>.json``."""
        return self.root / "results" / "experiments"

    @property
    def experiment_records_folder(self) -> Path:
        """The library's copies of them."""
        return self.library / "samplebook" / "experiments" / "recorded"

    @property
    def build(self) -> Path:
        return self.root / "_build"

    @property
    def executed(self) -> Path:
        return self.build / "executed"

    @property
    def swept(self) -> Path:
        """The runs of sweeps, ``<part>/<slug>/<seed and parameters>``."""
        return self.build / "sweeps"

    @property
    def gathered_claims(self) -> Path:
        return self.build / "claims.json"

    @property
    def stored_claims(self) -> Path:
        return self.root / "results" / "claims.json"

    @property
    def stage(self) -> Path:
        return self.build / "stage"

    @property
    def assignments(self) -> Path:
        """The sources of the assignments, ``<slug>/<slug>.ipynb``."""
        return self.root / "assignments"

    @property
    def releases(self) -> Path:
        """What students get of the assignments."""
        return self.build / "releases"

    @property
    def classroom(self) -> Path:
        """The teacher's folder: an nbgrader course with marks and feedback."""
        return self.root / "classroom"

    @property
    def html(self) -> Path:
        return self.build / "html"

    @property
    def pdf(self) -> Path:
        return self.build / "pdf" / "samplebook.pdf"

    def notebook(self, chapter: Chapter) -> Path:
        """The stored notebook of a chapter."""
        return self.root / "chapters" / chapter.part / f"{chapter.slug}.ipynb"

    def result(self, chapter: Chapter) -> Path:
        """The folder of a chapter's last complete execution."""
        return self.executed / chapter.part / chapter.slug

    def claims_file(self, chapter: Chapter) -> Path:
        return self.claims_folder / f"{chapter.slug}.yml"

    def chapters(self) -> list[Chapter]:
        """All chapters, by part and slug."""
        files = sorted((self.root / "chapters").glob("*/*.ipynb"))
        return [Chapter(file.parent.name, file.stem) for file in files]

    def chapter(self, slug: str) -> Chapter:
        """The chapter with this slug.

        Raises
        ------
        PressError
            If there is none.
        """
        for chapter in self.chapters():
            if slug in (chapter.slug, chapter.name):
                return chapter
        known = ", ".join(chapter.slug for chapter in self.chapters()) or "none yet"
        raise PressError(f"there is no chapter {slug!r}; the chapters are: {known}")

    def shown(self, path: Path) -> str:
        """A path as messages print it: relative to the book where it lies inside."""
        return (
            str(path.relative_to(self.root))
            if path.is_relative_to(self.root)
            else str(path)
        )


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old text or the new one, never a part."""
    write_bytes_atomically(path, text.encode())


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old content or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(temporary).chmod(0o644)
    Path(temporary).replace(path)


def put_in_place(fresh: Path, place: Path) -> None:
    """Move a complete folder to its place.

    A kill at any moment leaves the old folder, the new one, or none: never a mix.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = fresh.parent / f"{fresh.name}-old"
    if place.exists():
        place.rename(aside)
    fresh.rename(place)
    shutil.rmtree(aside, ignore_errors=True)
