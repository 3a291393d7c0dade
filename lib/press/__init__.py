"""The press executes the chapters, gathers their claims and prints the book.

It knows nothing of any method. Run it as ``python -m press COMMAND`` (the Makefile does).
"""

import sys

# nbformat loads jsonschema, which loads these packages if they are there. The grammar of web addresses takes
# two seconds to build in each process of the press, that of durations a tenth. No notebook needs them.
for unneeded in ("isoduration", "rfc3987_syntax"):
    sys.modules.setdefault(unneeded, None)  # type: ignore[arg-type]
