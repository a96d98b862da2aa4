"""Runs TensorBoard for as long as whoever started this process lives.

`sightline.board.start` runs this file as a child process: arguments in, one line with the URL out,
and the end of standard input as the order to stop. The operating system closes that pipe however
the parent ends, `kill -9` included, and TensorBoard's own data server ends with this process in the
same way, so nothing is left behind.
"""

from __future__ import annotations

import sys

# TensorBoard by itself thins every curve to 1,000 points. 0 reads as "all", but leaves the curves
# empty where the data server reads the files (seen in 2.21).
POINTS = {"scalars": 100_000}


def _launch(logdir: str, host: str, port: int) -> str:
    from tensorboard import program

    server = program.TensorBoard()
    server.configure(logdir=logdir, host=host, port=port, samples_per_plugin=POINTS)
    return str(server.launch())


def main(logdir: str, host: str, port: int) -> None:
    """Serve a log directory until standard input ends.

    Args:
        logdir: the directory of runs.
        host: the address to listen on.
        port: the port to try first; any free one is taken where it is in use.
    """
    from tensorboard.program import TensorBoardPortInUseError

    try:
        url = _launch(logdir, host, port)
    except TensorBoardPortInUseError:
        url = _launch(logdir, host, 0)
    print(url, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
