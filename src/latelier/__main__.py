"""``python -m latelier`` is ``latelier``."""

from latelier.cli import main

main()
