"""Run jupyter-book's own command line, in a process that ends with the press.

python -m press.run_jupyter_book build FOLDER ...
"""

from jupyter_book.cli.main import main

from press.lifeline import end_with_the_press

if __name__ == "__main__":
    end_with_the_press()
    main()
