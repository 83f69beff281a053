"""What is wrong with a declaration: a line each, with file, key, what was expected and the nearest name."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import benign
from benign.experiments.declaration import Experiment, InvalidDeclaration, Origin, Problem, resolve

BASE = """
samples = [10, 20]
[source]
name = "digits"
[procedure]
name = "random_fourier"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def message_of(text: str, *overrides: str) -> str:
    """The message about a file with this text, which must fail when it is read or resolved."""
    Path("digits.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidDeclaration) as caught:
        resolve(Experiment.from_toml("digits.toml", overrides))
    return str(caught.value)


def above(line: str) -> str:
    return f"{line}\n{BASE}"


BAD_FILES: dict[str, tuple[str, str]] = {
    "unknown-setting": (
        BASE + "rigde = 0.1",
        "procedure.rigde: there is no such setting; did you mean 'ridge'? Known: bandwidth, form, ridge.",
    ),
    "unknown-key": (
        above("sample = 3"),
        "sample: there is no such key; did you mean 'samples'? Known: crossed, execut",
    ),
    "key-of-another-table": (
        above("workers = 2"),
        "workers: there is no such key here; write it as execution.workers.",
    ),
    "key-below-its-place": (
        BASE + "seed = 1",
        "procedure.seed: there is no such setting; write seed above the first table in brackets.",
    ),
    "unknown-source": (
        BASE.replace("digits", "digit"),
        "source.name: there is no source 'digit'; did you mean 'digits'?",
    ),
    "unknown-procedure": (
        BASE.replace("random_fourier", "fourier"),
        "procedure.name: there is no procedure 'fourier'; did",
    ),
    "no-name": (
        BASE.replace('name = "digits"', ""),
        "source.name: is missing; say which source. Known: digits, functi",
    ),
    "number-as-name": (
        BASE.replace('"digits"', "5"),
        "source.name: must be text, got 5; say which source. Known: digits",
    ),
    "source-as-list": (
        "source = []\nprocedure = 'polynomial'\nsamples = 3",
        "source: must be a table with the name of a",
    ),
    "setting-refused": (BASE + "ridge = -1", "procedure.ridge: must be zero or a positive number, got -1."),
    "setting-of-another-type": (BASE + "ridge = 'x'", "procedure.ridge: must be a number, got 'x'."),
    "true-is-no-number": (BASE + "ridge = true", "procedure.ridge: must be a number, got True."),
    "setting-with-unknown-value": (
        BASE + "form = 'rael'",
        "procedure.form: unknown form 'rael'; did you mean 'real'? Known: real, complex.",
    ),
    "setting-missing": (
        BASE.replace('"digits"', '"table"\npath = "x.csv"'),
        "source.target: is missing; it must be text.",
    ),
    "infinite-setting": (BASE + "ridge = inf", "procedure.ridge: must be a finite number, got inf."),
    "nan-in-a-list": (BASE.replace("[10, 20]", "[10, nan]"), "samples[1]: must be a finite number, got nan."),
    "date": (
        above("seed = 1979-05-27"),
        "seed: must be text, a number, true or false, a list or a table, got datetime.",
    ),
    "huge-integer": (above("seed = 0x" + "f" * 9_000), "seed: must fit into 64 bits, got a value of the type int that"),
    "negative-seed": (above("seed = -1"), "seed: must be an integer from 0 to 2^63 - 1, got -1."),
    "fractional-seed": (above("seed = 1.5"), "seed: must be an integer from 0 to 2^63 - 1, got 1.5."),
    "true-as-seed": (above("seed = true"), "seed: must be an integer from 0 to 2^63 - 1, got True."),
    "no-replicates": (above("replicates = 0"), "replicates: must be an integer from 1 to 1,000,000, got 0."),
    "crossed-text": (above("crossed = 'all'"), "crossed: must be { draws = 3, initialisations = 2, noises = 2 }, got"),
    "crossed-none": (above("crossed = { draws = 0 }"), "crossed.draws: must be a positive integer, got 0."),
    "crossed-unknown": (above("crossed = { draw = 2 }"), "crossed.draw: there is no such key; did you mean 'draws'?"),
    "crossed-many": (
        above("crossed = { draws = 1000, initialisations = 1000, noises = 1000 }"),
        "crossed: must be at most 1,000,000 replicates in all, got 1,000,000,000.",
    ),
    "both-replicates": (
        above("replicates = 2\ncrossed = { draws = 2 }"),
        "`replicates` and `crossed` cannot both be given",
    ),
    "unknown-metric": (
        above("metrics = ['test_los']"),
        "metrics: there is no metric 'test_los'; did you mean 'test_loss'",
    ),
    "metric-as-text": (
        above("metrics = 'test_loss'"),
        'metrics: must be a list of names of metrics, for example ["leav',
    ),
    "metric-as-number": (above("metrics = [5]"), "metrics: must be a list of names of metrics, for example"),
    "empty-name": (above("name = ' '"), "name: must be text of 1 to 80 printable characters, got ' '."),
    "long-name": (above(f"name = '{'n' * 81}'"), "name: must be text of 1 to 80 printable characters, got 'nnn"),
    "name-with-control": (
        above('name = "a\\u001b[31m"'),
        "name: must be text of 1 to 80 printable characters, got 'a\\x1b",
    ),
    "name-turning-around": (
        above('name = "a\\u202eb"'),
        "name: must be text of 1 to 80 printable characters, got 'a\\u202e",
    ),
    "execution-no-table": (above("execution = 5"), "execution: must be a table, got 5."),
    "unknown-executor": (
        above("execution.executor = 'slurm'"),
        'execution.executor: must be "here", "processes" or "ray", got \'slurm\'.',
    ),
    "no-workers": (above("execution.workers = 0"), "execution.workers: must be a positive integer, got 0."),
    "no-minutes": (
        above("execution.minutes_per_job = 0"),
        "execution.minutes_per_job: must be a positive number, got 0",
    ),
    "negative-gpus": (
        above("execution.gpus_per_job = -1"),
        "execution.gpus_per_job: must be a number of at least 0, got",
    ),
    "empty-store": (above("execution.store = ''"), "execution.store: must be the path of a file, or postgresql://"),
    "store-with-control": (above('execution.store = "a\\u0000"'), "execution.store: must be the path of a file, or"),
    "times": (above("times = 'every'"), 'times: cannot be "every"; give a range, for example { from = 1, to = 100'),
    "no-duration": (
        above("times = [1]"),
        "times: must be None: this procedure is solved, not trained, so it has no dur",
    ),
    "bad-range": (
        above("sizes = { from = 1, to = 'x' }"),
        "sizes.to: must be a number, at most 1e15 in size, got 'x'.",
    ),
    "samples-beyond": (
        BASE.replace("20", "2000"),
        "samples: asks for 2000 training samples, but digits has 1200 outside",
    ),
    "argument-of-no-key": (
        'source = "digits"\nsamples = 20\nprocedure = { name = "mlp", training = { epochs = 2 } }',
        "`batch_size` must be at most the number of training samples, got 128 of 20; lower it",
    ),
    "samples-unsorted": (
        BASE.replace("20", "5"),
        "samples: must increase strictly, but 10 is followed by 5; sort them",
    ),
    "one-sample": (BASE.replace("10", "1"), "samples: must be at least 2, got 1: one sample shows no curve."),
    "size-zero": (above("sizes = [0]"), "sizes: must be whole numbers of features from 1 on, got 0."),
    "every-sample-of-a-function": (
        'source = "mml"\nprocedure = "polynomial"\nsamples = "every"',
        'samples: cannot be "every" for mml, which has no end; give a list or a range.',
    ),
    "levels-beyond": (above("label_noise = [0.0, 1.5]"), "label_noise: must be a share of flipped labels from 0 up to"),
    "levels-unsorted": (
        above("label_noise = [0.2, 0.1]"),
        "label_noise: must increase strictly, but 0.2 is followed by",
    ),
    "levels-twice": (
        above("label_noise = 0.1").replace('"digits"', '"digits"\nlabel_noise = 0.2'),
        "source.label_noise: cannot be given beside levels of `label_noise`; leave one of them out.",
    ),
    "table-missing": (
        BASE.replace('"digits"', '"table"\npath = "../../etc/passwd"\ntarget = "y"'),
        "source.path: '",
    ),
    "deep": (BASE + "[source.a.a.a.a.a.a.a.a.a.a.a]", "source.a.a.a.a.a.a.a.a: holds tables or lists too deep in one"),
    "syntax": (BASE + "x 3", "is no TOML: Expected '=' after a key in a key/value pair (at line 7, column 3)."),
    "twice": ("a = 1\na = 2", "is no TOML: Cannot overwrite a value"),
    "unfinished": ("a = ", "is no TOML: Invalid value"),
    "many-digits": ("a = " + "9" * 9_999, "is no TOML: Exceeds the limit"),
    "many-brackets": ("a = " + "[" * 99_999, "holds tables or lists too deep in one another."),
}


@pytest.mark.parametrize(("text", "message"), BAD_FILES.values(), ids=BAD_FILES.keys())
@pytest.mark.usefixtures("folder", "unchecked")
def test_bad_files_get_one_line(text: str, message: str) -> None:
    found = message_of(text)
    assert "\n" not in found
    assert found.endswith((".", "..."))
    assert len(found) <= 600
    if message.startswith("is no TOML"):  # its place depends on the version of Python
        assert message in found
    else:
        assert found.startswith(f"digits.toml: {message}")


def test_several_problems_have_a_line_each(folder: Path) -> None:
    assert message_of(above("seed = -1\nreplicates = 0") + "rigde = 0.1\nfrom = 2").splitlines() == [
        "digits.toml: procedure.rigde: there is no such setting; did you mean 'ridge'? Known: bandwidth, form, ridge.",
        "digits.toml: procedure.from: there is no such setting; did you mean 'form'? Known: bandwidth, form, ridge.",
        "digits.toml: replicates: must be an integer from 1 to 1,000,000, got 0.",
        "digits.toml: seed: must be an integer from 0 to 2^63 - 1, got -1.",
    ]


def test_what_makers_refuse_is_said_of_source_and_procedure(folder: Path) -> None:
    lines = message_of(BASE.replace('"digits"', '"digits"\ntest_samples = 0') + "ridge = -1").splitlines()
    assert lines == [
        "digits.toml: procedure.ridge: must be zero or a positive number, got -1.",
        "digits.toml: source.test_samples: must be a positive integer, got 0.",
    ]


def test_at_most_five_lines_then_how_many_more(folder: Path) -> None:
    lines = message_of(BASE + "\n".join(f"x{i} = 1" for i in range(9))).splitlines()
    assert len(lines) == 6
    assert lines[-1] == "... and 4 more."


def test_without_a_file_there_is_no_file_to_name() -> None:
    with pytest.raises(InvalidDeclaration, match=r"^seed: must be an integer from 0"):
        Experiment(source="mml", procedure="polynomial", samples=3, seed=-1)


def test_what_is_missing_from_python() -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        Experiment()  # type: ignore[call-arg]
    lines = str(caught.value).splitlines()
    assert lines[0] == "source: is missing; it must be a table with the name of a source and its settings."
    assert [line.split(":")[0] for line in lines] == ["source", "procedure", "samples"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param(
            {"source": 5}, "source: must be a table with the name of a source and its settings, got 5.", id="5"
        ),
        pytest.param(
            {"source": benign.RandomFourier()}, "source: must be a table with the name of a source", id="other"
        ),
        pytest.param(
            {"source": {"name": "table", "path": pd.DataFrame({"x": [1]}), "target": "y"}},
            "source.path: must be text, a number, true or false, a list or a table, got x 0 1; give a ready source or "
            "procedure for what these cannot say.",
            id="data-frame",
        ),
        pytest.param(
            {"source": {"name": "function", "target": np.sin, "noise": 0.1}},
            "source.target: must be text, a number, true or false, a list or a table, got <ufunc 'sin'>; give a ready",
            id="function",
        ),
        pytest.param({"samples": [np.nan]}, "samples[0]: must be a finite number, got nan.", id="nan"),
        pytest.param({"samples": [np.True_]}, "samples: must be whole numbers", id="numpy-true"),
        pytest.param({"name": "\ud800"}, r"name: must be text that a file can hold, got '\ud800'.", id="surrogate"),
        pytest.param({"crossed": (1, 2)}, "crossed: must be { draws = 3", id="two-counts"),
        pytest.param({"self": 1}, "self: there is no such key;", id="self"),
        pytest.param({"_origin": 1}, "_origin: there is no such key;", id="private"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_from_python(settings: dict[str, object], message: str) -> None:
    given = {"source": "mml", "procedure": "polynomial", "samples": 3, **settings}
    with pytest.raises(InvalidDeclaration) as caught:
        Experiment(**given)  # type: ignore[arg-type]
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("nowhere.toml", None, "nowhere.toml: there is no such file.", id="missing"),
        pytest.param(
            ".", None, ".: cannot be read (Is a directory); it must be an experiment's TOML file.", id="folder"
        ),
        pytest.param("a\0b", None, r"a\x00b: cannot be read (embedded null byte); it must be", id="nul"),
        pytest.param(
            "n" * 10_000, None, "n" * 35 + "..." + "n" * 20 + ": cannot be read (File name too long)", id="long"
        ),
        pytest.param("b.toml", b"\x89PNG\r\n\x1a\n\xff", "b.toml: is no text in UTF-8 (byte 0), so no", id="binary"),
        pytest.param("c.toml", b"a = '\x00'", "c.toml: is no TOML: ", id="control"),
        pytest.param("d.toml", b"#" * 1_000_001, "d.toml: is larger than a megabyte", id="large"),
        pytest.param("e.toml", b"", "e.toml: source: is missing", id="empty"),
        pytest.param("/dev/zero", None, "/dev/zero: is larger than a megabyte", id="endless"),
    ],
)
def test_what_is_no_file(folder: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        Path(name).write_bytes(content)
    with pytest.raises(InvalidDeclaration) as caught:
        Experiment.from_toml(name)
    assert str(caught.value).startswith(message)


def test_a_byte_order_mark_does_no_harm(folder: Path) -> None:
    Path("bom.toml").write_text(BASE, encoding="utf-8-sig")
    assert Experiment.from_toml("bom.toml").samples == (10, 20)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("nonsense", "stored experiment: is no JSON: Expecting value", id="no-json"),
        pytest.param("[1]", "stored experiment: must be a JSON object, got [1].", id="list"),
        pytest.param("[" * 99_999, "stored experiment: is no JSON: ", id="brackets"),
        pytest.param('{"seed": NaN}', "stored experiment: source: is missing", id="nothing"),
        pytest.param(
            '{"source": "mml", "procedure": "polynomial", "samples": 3, "seed": -1}', "stored experiment: seed", id="x"
        ),
    ],
)
def test_stored_json_that_is_no_experiment(text: str, message: str) -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        Experiment.from_json(text)
    assert str(caught.value).startswith(message)


# ------------------------------------------------------------------------------------------------------------ overrides


@pytest.mark.parametrize(
    ("override", "message"),
    [
        pytest.param("seed=-1", "override 'seed=-1': seed: must be an integer from 0", id="refused"),
        pytest.param("samples=[5000]", "override 'samples=[5000]': samples: asks for 5000", id="refused-later"),
        pytest.param("source.name=digit", "override 'source.name=digit': source.name: there is no source", id="dotted"),
        pytest.param(
            "source=digit", "override 'source=digit': source.name: there is no source 'digit'", id="whole-table"
        ),
        pytest.param(
            "procedure.ridge=x", "override 'procedure.ridge=x': procedure.ridge: must be a number", id="setting"
        ),
        pytest.param(
            "samples.to=4", "override 'samples.to=4': samples is no table but [10, 20]; override", id="no-table"
        ),
        pytest.param("sizes={from=1", "override 'sizes={from=1': has a value that is no TOML: ", id="no-toml"),
        pytest.param("seed", "override 'seed': must be KEY=VALUE, for example seed=1", id="no-value"),
        pytest.param("=1", "override '=1': must be KEY=VALUE", id="no-key"),
        pytest.param("a..b=1", "override 'a..b=1': must be KEY=VALUE", id="empty-key"),
        pytest.param("\x1b[31m=1", r"override '\x1b[31m=1': '\x1b[31m': there is no such key;", id="control"),
        pytest.param("name=" + "n" * 10_000, "override 'name=" + "n" * 29 + "...", id="long"),
        pytest.param(
            "a.b.c.d.e.f.g.h.i.j.k.l=1", "override 'a.b.c.d.e.f.g.h.i.j.k.l=1': a: there is no such", id="deep"
        ),
    ],
)
def test_errors_name_the_override(folder: Path, override: str, message: str) -> None:
    assert message_of(BASE, override, "replicates=3").startswith(message)


def test_other_keys_are_still_the_files(folder: Path) -> None:
    assert message_of(above("seed = -1"), "replicates=3").startswith("digits.toml: seed")


# -------------------------------------------------------------------------------------------------------------- hostile

HOSTILE = {
    "sql": "'; DROP TABLE runs; --",
    "traversal": "../../etc/passwd",
    "emoji": "🔥👩‍🔬",
    "control": "a\x1b[31mb\x07",
    "long": "x" * 10_000,
    "format": "{0.__class__} %s %n",
    "quotes": "\"'`",
}


def quoted(text: str) -> str:
    escapes = {'"': '\\"', "\\": "\\\\"}
    return (
        '"' + "".join(escapes.get(c, c) if c.isprintable() or c == "\u200d" else f"\\u{ord(c):04x}" for c in text) + '"'
    )


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize(
    "place",
    [
        "{} = 1",
        "execution.{} = 1",
        "source.{} = 1",
        "procedure.{} = 1",
        "sizes = {}",
        "execution.address = []",
        "metrics = [{}]",
    ],
)
def test_hostile_text_gets_a_printable_line(folder: Path, text: str, place: str) -> None:
    tables = 'samples = 3\nsource.name = "digits"\nprocedure.name = "random_fourier"\n'
    found = message_of(tables + place.replace("{}", quoted(text)))
    assert found.isprintable() or text == HOSTILE["emoji"]
    assert "\x1b" not in found
    assert len(found) < 650


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("name", ["source", "procedure"])
def test_hostile_names(folder: Path, text: str, name: str) -> None:
    other = {"source": "procedure", "procedure": "source"}[name]
    known = {"source": "digits", "procedure": "polynomial"}[other]
    found = message_of(f'samples = 3\n{other} = "{known}"\n{name} = {quoted(text)}')
    assert found.startswith(f"digits.toml: {name}.name: there is no {name} ")
    assert len(found) < 300


@pytest.mark.parametrize("text", ["'; DROP TABLE runs; --", "../../etc/passwd", "🔥👩‍🔬", "{0.__class__}", "\"'`"])
def test_harmless_names_are_kept_as_they_are(folder: Path, text: str) -> None:
    Path("digits.toml").write_text(above(f"name = {quoted(text)}"), encoding="utf-8")
    declared = Experiment.from_toml("digits.toml")
    assert declared.name == text
    assert Experiment.from_json(declared.to_json()).name == text


@pytest.mark.usefixtures("unchecked")
def test_long_values_of_makers_are_shortened(folder: Path) -> None:
    assert message_of(BASE + f"form = {quoted('x' * 10_000)}") == (
        "digits.toml: procedure.form: unknown form '" + "x" * 34 + "..." + "x" * 19 + "'; Known: real, complex."
    )


def test_a_password_is_not_repeated(folder: Path) -> None:
    assert "secret" not in message_of(above('execution.store = "postgresql://me:secret@host/\\u0007"'))


def test_the_error_is_a_value_error_and_travels() -> None:
    error = Origin(file="f.toml").error([Problem(("seed",), "is odd."), Problem(("seed",), "is odd.")])
    assert str(error) == "f.toml: seed: is odd."
    assert isinstance(error, (benign.BenignError, ValueError))
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert again.problems == error.problems


def test_messages_do_not_speak_pydantic(folder: Path) -> None:
    for text, _ in BAD_FILES.values():
        assert not re.search("Input should|validation error|pydantic", message_of(text))
