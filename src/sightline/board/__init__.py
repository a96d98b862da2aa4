"""TensorBoard on a directory of runs: started, waited for, opened on the curves that matter."""

from sightline.board.launch import Board, start
from sightline.board.links import Card, pinned_url
from sightline.board.logdir import run_names

__all__ = ["Board", "Card", "pinned_url", "run_names", "start"]
