"""The form that all classroom pages share: one HTML file that needs nothing from anywhere."""

from html import escape

STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #1a6b3c; --bad: #a3321f; }
@media (prefers-color-scheme: dark) { :root { --good: #7ed6a0; --bad: #ffab96; } }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; white-space: nowrap; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0 0; }
.passed { color: var(--good); } .failed { color: var(--bad); }
meter { width: 8rem; }
"""


def page(title: str, body: str) -> str:
    """A whole page.

    Parameters
    ----------
    title : str
        Plain text.
    body : str
        HTML.
    """
    text = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )
    return text.encode("utf-8", "replace").decode(
        "utf-8"
    )  # a lone surrogate is no text


def table(header: list[str], rows: list[list[str]], numbers: set[int]) -> str:
    """A table of HTML cells; ``numbers`` are the columns that hold numbers."""

    def line(cells: list[str], kind: str) -> str:
        classes = [
            ' class="number"' if place in numbers else "" for place in range(len(cells))
        ]
        return "".join(
            f"<{kind}{of_class}>{cell}</{kind}>"
            for of_class, cell in zip(classes, cells, strict=True)
        )

    head = f"<tr>{line(header, 'th')}</tr>"
    body = "\n".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return f"<table>\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"
