"""Random experiments survive JSON and TOML; random files are an experiment or a sentence."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import jaxtyping
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from benign.experiments.declaration import Experiment, InvalidDeclaration
from benign.foundation.errors import BenignError
from benign.schema import METRICS


def written(value: object) -> str:
    """A plain value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = json.dumps(value, ensure_ascii=False)
        return "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in escaped)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{written(key)} = {written(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(written, value)) + "]"
    return str(value)


def file_of(tables: Mapping[str, object]) -> str:
    return "\n".join(f"{written(key)} = {written(value)}" for key, value in tables.items())


def from_text(text: str) -> Experiment:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "e.toml"
        path.write_text(text, encoding="utf-8")
        return Experiment.from_toml(path)


# --------------------------------------------------------------------------------------------------------- experiments

positive = st.integers(1, 10**6)
finite = st.floats(-1e15, 1e15, allow_subnormal=False)


def ranges(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[dict[str, object]]:
    ends = st.tuples(numbers, numbers).map(sorted)
    linear = st.builds(lambda ab, n: {"from": ab[0], "to": ab[1], "count": n}, ends, st.integers(2, 10**6))
    # Steps that lead from one end to the other in fewer than a million.
    stepped = st.builds(lambda ab, n: {"from": ab[0], "to": ab[1], "step": n}, ends, st.integers(10**10, 10**12))
    logarithmic = linear.filter(lambda given: given["from"] > 0).map(lambda given: {**given, "scale": "log"})
    return st.one_of(linear, stepped, logarithmic)


def axes(numbers: st.SearchStrategy[float]) -> st.SearchStrategy[object]:
    return st.one_of(numbers, st.lists(numbers, min_size=1, max_size=4), ranges(numbers))


names = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), min_size=1, max_size=80).filter(str.strip)
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)
sources = st.one_of(
    st.sampled_from(["digits", "mml", {"name": "mnist", "label_noise": 0.1}]),
    st.builds(lambda path, target: {"name": "table", "path": f"/{path}", "target": target}, texts, texts),
    st.builds(lambda noise: {"name": "function", "target": "step", "noise": noise, "test_grid": True}, finite),
)
procedures = st.one_of(
    st.sampled_from(["random_fourier", "polynomial", {"name": "polynomial", "basis": "monomial"}]),
    st.builds(lambda width: {"name": "random_fourier", "bandwidth": width, "form": "complex"}, finite),
)
executions = st.fixed_dictionaries(
    {},
    optional={
        "executor": st.sampled_from(["here", "processes", "ray"]),
        "workers": positive,
        "address": texts,
        "cpus_per_job": positive | st.floats(0.01, 99),
        "minutes_per_job": st.floats(0.01, 99),
        "store": texts.map(lambda text: f"/{text}") | st.just("postgresql://me@host/runs"),
    },
)
experiments = st.fixed_dictionaries(
    {"source": sources, "procedure": procedures, "samples": st.just("every") | axes(positive)},
    optional={
        "name": names,
        "sizes": st.just("every") | axes(positive),
        "times": axes(finite),
        "label_noise": axes(finite),
        "replicates": positive,
        "crossed": st.fixed_dictionaries({}, optional={key: st.integers(1, 100) for key in ("draws", "noises")}),
        "seed": st.integers(0, 2**63 - 1),
        "metrics": st.lists(st.sampled_from(list(METRICS)), max_size=3),
        "execution": executions,
    },
)


@given(experiments)
@settings(max_examples=100)
def test_experiments_survive_json_and_toml(tables: dict[str, object]) -> None:
    declared = Experiment(**tables)  # type: ignore[arg-type]
    assert Experiment.from_json(declared.to_json()) == declared
    assert Experiment.from_json(declared.to_json()).to_json() == declared.to_json()
    assert from_text(file_of(tables)) == declared
    assert from_text(file_of(json.loads(declared.to_json()))) == declared


# ------------------------------------------------------------------------------------------------------------- garbage

KEYS = [
    "name", "source", "procedure", "samples", "sizes", "times", "label_noise", "replicates", "crossed", "seed",
    "metrics", "execution", "from", "to", "step", "count", "scale", "draws", "executor", "workers", "store", "address",
    "path", "target", "ridge", "form", "test_samples", "attempts",
]  # fmt: skip
WORDS = ["every", "digits", "mml", "function", "table", "polynomial", "random_fourier", "log", "ray", "nan", "step", ""]
_SURROGATES: tuple[Literal["Cs"]] = ("Cs",)
keys = st.sampled_from(KEYS) | st.text(st.characters(exclude_categories=_SURROGATES), max_size=9)
leaves = st.one_of(
    st.sampled_from(WORDS),
    st.text(st.characters(exclude_categories=_SURROGATES), max_size=99),
    st.booleans(),
    st.integers(-(10**25), 10**25) | st.integers(-3, 99),
    st.floats(),
    st.dates(),
    st.times(),
    st.datetimes(),
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
garbage = st.dictionaries(keys, values, max_size=9)


@given(st.data())
@settings(max_examples=300)
def test_garbage_is_refused_in_a_sentence_or_accepted(data: st.DataObject) -> None:
    tables = data.draw(garbage | st.builds(lambda good, bad: {**good, **bad}, experiments, garbage))
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        declared = from_text(file_of(tables))
    except InvalidDeclaration as error:
        lines = str(error).splitlines()
        assert 1 <= len(lines) <= 6
        assert all(len(line) <= 600 and line.replace("\u200d", "").isprintable() for line in lines)
        assert not any("Input should" in line for line in lines)
    else:
        assert Experiment.from_json(declared.to_json()) == declared
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)


@given(st.text(max_size=200))
@example("[[[[")
@example("a = 1\r\rb")
@example("\ufeffa")
def test_text_that_is_no_toml(text: str) -> None:
    assume(not any("\ud800" <= letter <= "\udfff" for letter in text))
    with pytest.raises(InvalidDeclaration):
        from_text(text)


@given(st.lists(st.builds(lambda key, value: f"{key}={value}", keys | st.just("source.path"), st.text()), max_size=3))
@settings(max_examples=150)
def test_garbage_on_the_command_line(overrides: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "e.toml"
        path.write_text('source = "digits"\nprocedure = "polynomial"\nsamples = 3\n')
        try:
            Experiment.from_toml(path, overrides)
        except BenignError as error:
            assert isinstance(error, InvalidDeclaration)  # noqa: PT017 (an experiment is as good)
