"""`python -m sightline`: the command line."""

from sightline.cli import main

main()
