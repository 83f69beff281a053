"""What a command speaks through, and what Ctrl-C means to it."""

from __future__ import annotations

import io
import os
import signal
from threading import Thread

import pytest
import typer

from benign.cli.answers import answered
from benign.cli.streams import _Messages, _Output


def test_a_stream_that_does_not_block_is_waited_for():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    answer = bytes(range(256)) * 4096  # more than a pipe holds
    received = []

    def read():
        while part := os.read(reader, 4096):
            received.append(part)

    thread = Thread(target=read)
    with io.BufferedWriter(_Output(writer, "w")) as stream:
        thread.start()
        stream.write(answer)
    thread.join(60.0)
    os.close(reader)
    assert b"".join(received) == answer


def test_messages_that_nobody_takes_stop_nothing():
    with io.BufferedWriter(_Messages("/dev/full", "w")) as stream:
        assert stream.write(b"progress") == len(b"progress")
    assert stream.closed


@pytest.fixture
def ends_at_ctrl_c():
    """As the command begins: Ctrl-C ends the process."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ends_at_ctrl_c")
class TestInterrupt:
    def test_is_a_sentence(self, capsys):
        with pytest.raises(typer.Exit) as end, answered():
            signal.raise_signal(signal.SIGINT)
        assert end.value.exit_code == 130
        assert capsys.readouterr().err == "benign: Interrupted.\n"
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL

    def test_is_one_whatever_an_import_makes_of_it(self):
        def load():
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                raise ImportError("numpy._core.multiarray failed to import") from None

        with pytest.raises(typer.Exit) as end, answered():
            load()
        assert end.value.exit_code == 130


def test_a_users_handler_of_ctrl_c_stays():
    def theirs(number, frame):
        raise AssertionError

    before = signal.signal(signal.SIGINT, theirs)
    try:
        with answered():
            assert signal.getsignal(signal.SIGINT) is theirs
        assert signal.getsignal(signal.SIGINT) is theirs
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(2, "No such file or directory", "/proc/meminfo"), "/proc/meminfo"),
        (OSError(28, "No space left on device"), "TMPDIR"),
        (OSError(24, "Too many open files"), "ulimit -n"),
        (ImportError("\nIMPORTANT\n\nlibopenblas.so: failed to map segment"), "libopenblas.so: failed to map segment"),
        (MemoryError(), "fewer --workers"),
        (ImportError(), "no reason given"),
        (OSError(), "refused: OSError."),
    ],
)
def test_what_the_system_refuses_is_one_sentence(capsys, error, words):
    with pytest.raises(typer.Exit) as end, answered():
        raise error
    assert end.value.exit_code == 1
    [sentence] = capsys.readouterr().err.splitlines()
    assert words in sentence


def test_a_fault_of_ours_shows_itself():
    with pytest.raises(ZeroDivisionError), answered():
        _ = 1 / 0
