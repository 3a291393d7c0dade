"""SampleBook's reference implementations: sixty papers on sampling in machine learning.

One sub-package for each part of the book (``drafts``, ...), one module for each method.
Importing this package pulls in nothing heavy: import the part that you need.
"""

__version__ = "0.1.0"
