"""The first signal asks, the second one ends."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from sightline.training.interruption import stop_on_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_to_stop(number: signal.Signals) -> None:
    reasons: list[str] = []
    before = signal.getsignal(number)
    with stop_on_signals(reasons.append):
        os.kill(os.getpid(), number)
    assert reasons == [number.name]
    assert signal.getsignal(number) is before


def test_the_second_ctrl_c_interrupts() -> None:
    reasons: list[str] = []
    with stop_on_signals(reasons.append):
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert reasons == ["SIGINT"]


def test_a_thread_that_gets_no_signals_runs_as_it_is() -> None:
    ran: list[bool] = []

    def work() -> None:
        with stop_on_signals(lambda reason: None):
            ran.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ran == [True]
