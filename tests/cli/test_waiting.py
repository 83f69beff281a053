"""A command that is busy says with what: after two seconds without a word, whatever it does."""

from __future__ import annotations

import io
import json
import time

import pytest

from benign.cli import waiting
from benign.cli.waiting import Rhythm, lasting, said_in, watched
from benign.foundation.progress import Activity, activity, doing, heard


def spoken(*, brief, heard_at=(), until=100):
    """At which of the tenths of a second from 0 on a line is due."""
    rhythm = Rhythm()
    rhythm._last = 0.0
    moments = []
    for tenth in range(10 * until):
        moment = tenth / 10
        last = max((at for at in heard_at if at <= moment), default=0.0)
        if rhythm.is_due(Activity(words="x", since=0.0, heard=last, is_brief=brief), moment):
            moments.append(moment)
    return moments


def test_what_is_brief_is_said_every_two_seconds_of_its_first_minute():
    moments = spoken(brief=True)
    assert moments[:3] == [2.0, 4.0, 6.0]
    assert moments[29:] == [60.0, 70.0, 80.0, 90.0]


def test_jobs_are_spoken_of_every_ten_seconds_where_nothing_else_is_heard():
    assert spoken(brief=False, until=35) == [10.0, 20.0, 30.0]
    assert spoken(brief=False, heard_at=range(35), until=35) == []


def test_of_nested_work_the_innermost_is_named_and_work_in_general_by_what_was_heard_last():
    heard("3 of 4 jobs are done")
    assert (activity().words, activity().is_brief) == ("3 of 4 jobs are done", False)
    with doing("drawing"):
        with doing("writing a file"):
            assert activity().words == "writing a file"
        assert (activity().words, activity().is_brief) == ("drawing", True)
    heard()
    assert (activity().words, activity().is_brief) == ("working", True)


@pytest.mark.parametrize(
    ("arguments", "style", "said"),
    [
        ([], None, "... planning the jobs"),
        (["run", "--progress", "json"], None, '{"event": "waiting", "for": "planning the jobs"'),
        (["run", "--progress=none"], None, ""),
        (["run"], "json", '{"event": "waiting", "for": "planning the jobs"'),
    ],
    ids=["plain", "json by argument", "none by argument", "json by display"],
)
def test_a_thread_says_it_in_the_style_of_the_progress(monkeypatch, arguments, style, said):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(waiting, "_SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(waiting, "_LOOK_SECONDS", 0.02)
    deadline = time.monotonic() + 60.0
    with watched(arguments), said_in(style or "plain") if style else doing("other"), doing("planning the jobs"):
        if said:
            while "planning" not in stream.getvalue() and time.monotonic() < deadline:
                time.sleep(0.01)
            assert lasting().startswith("planning the jobs, ")
        else:
            time.sleep(0.6)
    lines = [line for line in stream.getvalue().splitlines() if "planning" in line]
    assert [line.startswith(said) for line in lines[:1]] == ([True] if said else [])
    if said.startswith("{"):
        assert json.loads(lines[0])["seconds"] >= 0.0


def test_a_command_that_fails_ends_its_thread():
    def fail():
        with watched(), doing("failing"):
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fail()
    assert activity().words != "failing"
    assert waiting._said_in == [waiting._say_nothing]
