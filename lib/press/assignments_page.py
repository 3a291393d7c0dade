"""The page of assignments: what each asks, and where it opens."""

import shutil

import yaml

from press.book import Book
from press.classroom.assignments import Assignment
from press.contents import chapters_in_reading_order
from press.notebooks import notebook_title, read_notebook
from press.register import papers
from press.stamp import owner_and_name, repository_url

RELEASES_BRANCH = "releases"
"""Branch on which the workflow publishes the releases: Colab and Binder open notebooks from branches."""


def in_reading_order(book: Book, assignments: list[Assignment]) -> list[Assignment]:
    """The assignments in the order of their chapters in the table of contents."""
    slugs = [chapter.slug for chapter in chapters_in_reading_order(book)]
    return sorted(assignments, key=lambda one: slugs.index(one.slug))


def launch_links(book: Book, slug: str) -> list[str]:
    """Links that open a release in Colab and in Binder."""
    config = yaml.safe_load((book.root / "_config.yml").read_text(encoding="utf-8"))
    hosts = config["launch_buttons"]
    repository = "/".join(owner_and_name(repository_url(book)))
    colab = (
        f"{hosts['colab_url']}/github/{repository}/blob/{RELEASES_BRANCH}"
        f"/{slug}/{slug}.ipynb"
    )
    binder = (
        f"{hosts['binderhub_url']}/v2/gh/{repository}/{RELEASES_BRANCH}"
        f"?urlpath=lab/tree/{slug}/{slug}.ipynb"
    )
    return [f"[Open {slug} in Colab]({colab})", f"[Open {slug} in Binder]({binder})"]


def section(book: Book, assignment: Assignment) -> str:
    """One assignment: its chapter, its tasks and where to get it."""
    slug = assignment.slug
    chapter = book.chapter(slug)
    title = notebook_title(read_notebook(book.notebook(chapter)))
    tasks = [
        f"| {task.number} | {task.title} | {task.points} |" for task in assignment.tasks
    ]
    downloads = [
        f"{{download}}`{slug}.ipynb <generated/releases/{slug}.ipynb>`",
        f"{{download}}`{slug}.zip <generated/releases/{slug}.zip>`",
    ]
    lines = [
        f"(assignment-{slug})=",
        f"## {papers(book)[slug].short}: {assignment.title}\n",
        f"For the chapter [{title}](../chapters/{chapter.name}.ipynb). "
        f"About {assignment.minutes} minutes.\n",
        "| task | what it asks | points |",
        "| ---: | --- | ---: |",
        *tasks,
        "",
        " · ".join([*downloads, *launch_links(book, slug)]),
    ]
    return "\n".join(lines)


def assignments_page(book: Book, assignments: list[Assignment]) -> str:
    """All assignments as MyST Markdown."""
    ordered = in_reading_order(book, assignments)
    return "\n\n".join(section(book, one) for one in ordered) + "\n"


def staged_assignments(book: Book) -> list[Assignment]:
    """Make the releases, and copy them to where the page of assignments offers them for download."""
    if not book.assignments.is_dir():
        return []
    from press.classroom.releases import write_releases  # slow: nbgrader

    assignments = write_releases(book)
    folder = book.stage / "book" / "generated" / "releases"
    folder.mkdir(parents=True)
    for assignment in assignments:
        slug = assignment.slug
        shutil.copy2(book.releases / f"{slug}.zip", folder)
        shutil.copy2(book.releases / slug / f"{slug}.ipynb", folder)
    return assignments
