from __future__ import annotations

from io import StringIO

from rich.console import Console as RichConsole

from sightline.writers import Console, Scalar, Text


def test_a_step_is_a_line() -> None:
    out = StringIO()
    writer = Console(RichConsole(file=out, width=40))
    writer.write({"train/loss": Scalar(0.123456), "train/lr": Scalar(1e-3)}, step=9, wall_time=0.0)
    writer.write({"accuracy": Scalar(float("nan"))}, step=9, wall_time=0.0)
    writer.write({"train/loss": Scalar(0.1)}, step=10, wall_time=0.0)
    writer.write({"[bold]": Text("as [it] is")}, step=10, wall_time=0.0)
    writer.close()
    assert out.getvalue().splitlines() == [
        "step 9  train/loss 0.1235  train/lr 0.001  accuracy nan",
        "step 10  [bold]",
        "as [it] is",
        "step 10  train/loss 0.1",
    ]
