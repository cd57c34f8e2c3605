"""``python -I -m bootstrap``: the same as ``deepdesign-bootstrap``."""

from bootstrap.cli import main

main()
