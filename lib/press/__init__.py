"""The press executes the chapters, gathers their claims and prints the book.

It knows nothing of any method. Run it as ``python -m press COMMAND`` (the Makefile does).
"""
