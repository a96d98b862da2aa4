"""The command line: argument parsing and printing only."""

from sightline.cli.app import main

__all__ = ["main"]
