"""The press executes the chapters, gathers their claims and prints the book.

It knows nothing of any method. Run it as ``python -m press COMMAND`` (the Makefile does).
"""

import sys

# nbformat loads jsonschema, which loads this package if it is there. Its grammar of web addresses takes two
# seconds to build in each process of the press, and no notebook needs it.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
