"""Ctrl-C: first ask, then stop; never in the middle of a write."""

import os
import signal
import threading

import pytest

from benign.experiments.interruption import listening


def press():
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_one_asks():
    told = []
    with listening(lambda: told.append(True)) as interruption:
        assert not interruption.is_asked
        press()
        assert interruption.is_asked
        assert told == [True]


def test_the_second_one_stops():
    with listening(lambda: None):
        press()
        with pytest.raises(KeyboardInterrupt):
            press()


def test_sigterm_stops_at_once():
    with listening(lambda: None), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_write_is_finished_first():
    written = []

    def write(interruption):
        with interruption.held():
            press()
            written.append("whole")
        written.append("not reached")

    with listening(lambda: None) as interruption:
        press()
        with pytest.raises(KeyboardInterrupt):
            write(interruption)
    assert written == ["whole"]


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with listening(lambda: None):
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_other_threads_hear_nothing():
    seen = []

    def listen():
        with listening(lambda: None) as interruption:
            seen.append(interruption.is_asked)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [False]
