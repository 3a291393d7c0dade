"""Sphinx extension: keep Thebe's scripts off the pages.

The theme loads sphinx-thebe even where its button is switched off. Its inline script is emitted twice, which
is an error in the browser's console, and it names another host. The book has no live cells: both scripts go.
"""

from typing import Any

from sphinx.application import Sphinx


def is_from_thebe(script: Any) -> bool:
    """Whether an entry of a page's ``script_files`` belongs to sphinx-thebe."""
    body = getattr(script, "attributes", {}).get("body") or ""
    return "THEBE_JS_URL" in body or "sphinx-thebe.js" in str(
        getattr(script, "filename", script)
    )


def drop_thebe_scripts(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: object,
) -> None:
    """Remove sphinx-thebe's entries from one page's context."""
    if "script_files" in context:
        context["script_files"] = [
            script for script in context["script_files"] if not is_from_thebe(script)
        ]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx, after the theme's own handlers."""
    app.connect("html-page-context", drop_thebe_scripts, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
