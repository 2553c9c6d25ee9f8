"""`python -m idp.cli` is `sen`."""

from idp.cli import main

main()
