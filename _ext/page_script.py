"""Sphinx extension: a page may name a script of its own in its front matter.

``script: ledger.js`` loads that file of ``static/`` on this page alone, once the page is parsed.
"""

from typing import Any

from sphinx.application import Sphinx


def add_page_script(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: object,
) -> None:
    """Add the script that one page names, if it names one."""
    script = (context.get("meta") or {}).get("script")
    if script:
        app.add_js_file(script, loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("html-page-context", add_page_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
