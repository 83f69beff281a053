"""Whatever is given for an array, a frame, a number, a name or a path: one sentence, or the right result."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import inspect
import os
import pickle
import tempfile
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from sklearn.tree import DecisionTreeClassifier

import benign
from benign import BenignError, curves
from benign.experiments.declaration.problems import InvalidDeclaration
from benign.experiments.declaration.settings import settings_of
from benign.experiments.executors.choice import choose
from benign.foundation.errors import InvalidArgument
from benign.linear import FourierFeatures, PolynomialFeatures, size_path
from benign.sources import arrays, dataset, digits, frame, function, table

pytestmark = pytest.mark.usefixtures("unchecked")

ROWS = 20
INPUTS = np.arange(2.0 * ROWS).reshape(ROWS, 2) % 7
LABELS = ["a", "b"] * (ROWS // 2)
VALUES = np.arange(1.0 * ROWS) % 5
RISKS = np.random.default_rng(0).random((6, 7))
LONGEST = 1500  # characters: a few known names and a few problems


class Refuses:
    """An object whose every method of a kind raises."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error = error

    def _raise(self, *_: object, **__: object) -> NoReturn:
        raise self.error("no\nand no again")


class RefusesArray(Refuses):
    __array__ = Refuses._raise


class RefusesWords(Refuses):
    __repr__ = __str__ = Refuses._raise


class RefusesAnswers(Refuses):
    __eq__ = __bool__ = __len__ = __iter__ = __getitem__ = __float__ = __index__ = Refuses._raise
    __hash__ = None  # type: ignore[assignment]


class WordlessText(str):
    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


HOSTILE: dict[str, Callable[[], object]] = {
    "array-raises": lambda: RefusesArray(RuntimeError),
    "array-exits": lambda: RefusesArray(SystemExit),
    "repr-raises": lambda: RefusesWords(RuntimeError),
    "repr-exits": lambda: RefusesWords(SystemExit),
    "answers-raise": lambda: RefusesAnswers(RuntimeError),
    "answers-exit": lambda: RefusesAnswers(SystemExit),
    "wordless-text": lambda: WordlessText("x"),
    "list-of-wordless": lambda: [RefusesWords(RuntimeError), RefusesWords(SystemExit)],
    "none": lambda: None,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "minus-zero": lambda: -0.0,
    "denormal": lambda: 1e-320,
    "huge": lambda: 1e308,
    "huge-integer": lambda: 10**400,
    "unprintable-integer": lambda: -(10**5000),
    "complex": lambda: 1j,
    "decimal": lambda: Decimal("1.5"),
    "fraction": lambda: Fraction(1, 3),
    "bool": lambda: True,
    "minus-one": lambda: -1,
    "half": lambda: 2.5,
    "digits": lambda: "4",
    "bytes": lambda: b"abc",
    "bytearray": lambda: bytearray(b"abc"),
    "nul": lambda: "a\0b",
    "surrogate": lambda: "\ud800",
    "long-text": lambda: "x" * 100_000,
    "date": lambda: dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
    "not-a-time": lambda: np.datetime64("NaT"),
    "dict": lambda: {"a": 1},
    "set": lambda: {1, 2},
    "function": lambda: lambda x: x,
    "class": lambda: int,
    "missing": lambda: pd.NA,
    "0-d": lambda: np.array(3),
    "empty": lambda: np.zeros(0),
    "no-rows": lambda: np.zeros((0, 3)),
    "3-d": lambda: np.zeros((2, 3, 4)),
    "masked": lambda: np.ma.masked_array([1.0, 2.0], [False, True]),
    "list-of-masked": lambda: [np.ma.masked_array([1.0], [True]), [2.0]],
    "ragged": lambda: [[1], [2, 3]],
    "texts": lambda: ["1", "2"],
    "huge-integers": lambda: [10**400, 1],
    "nones": lambda: [None, None],
    "sparse": lambda: scipy.sparse.csr_matrix(np.eye(ROWS)),
    "structured": lambda: np.zeros(3, dtype=[("a", float), ("b", int)]),
    "unsigned-that-fall": lambda: np.array([5, 3], dtype=np.uint8),
    "series": lambda: pd.Series([1, 2]),
    "two-levels": lambda: pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("x", "m"), ("y", "m")])),
    "same-names": lambda: pd.DataFrame([[1, 2, 3]], columns=["x", "x", "y"]),
    "lazy": lambda: pl.LazyFrame({"x": [1, 2]}),
    "broken-query": lambda: pl.LazyFrame({"y": [1, 2]}).select(pl.col("nowhere")),
}


def fit(X: Any, y: Any, size: int, time: object, seed: int) -> Callable[[Any], Any]:
    del y, size, time, seed
    return lambda X: np.zeros(len(X), dtype=int)


def the_frame() -> pd.DataFrame:
    return pd.DataFrame({"x": VALUES, "z": VALUES**2, "y": LABELS})


def in_a_cell(value: object) -> pd.DataFrame:
    return the_frame().assign(x=pd.Series([value] * ROWS, dtype=object))


SOURCE = arrays(INPUTS, LABELS)
PAIRS = [*zip(INPUTS, LABELS, strict=True)]
FOURIER = benign.RandomFourier(bandwidth=1.0)
GRID: dict[str, Any] = {"sizes": [2, 3], "samples": [4, 8], "replicates": 2, "workers": 1}
SEARCH: dict[str, Any] = {"workers": 1, "store": ":memory:", "max_trainings": 8, "replicates": 4}


@dataclasses.dataclass(frozen=True)
class Call:
    """A public call, and what it answers where one of its arguments is hostile."""

    of: Callable[..., object]
    answer: Callable[[Any], object]


def each(call: Callable[..., object], names: str, **given: Any) -> dict[str, Call]:
    """The call with one of its arguments hostile, the others as given."""
    return {
        f"{call.__qualname__}({name})": Call(call, lambda value, name=name: call(**{**given, name: value}))  # type: ignore[misc]
        for name in names.split()
    }


def drawn(make: Callable[..., Any]) -> Callable[..., object]:
    @functools.wraps(make)
    def draw(**settings: Any) -> object:
        return make(**settings).draw(3, benign.Replicate())

    return draw


CALLS: dict[str, Call] = {
    **each(drawn(arrays), "inputs targets task label_noise test_samples scale name", inputs=INPUTS, targets=LABELS),
    **each(drawn(frame), "data target inputs as_frame task scale name", data=the_frame(), target="y"),
    "frame(cell)": Call(frame, lambda value: frame(in_a_cell(value), target="y")),
    "frame(target cell)": Call(frame, lambda value: frame(in_a_cell(value), target="x")),
    **each(drawn(dataset), "data inputs target task limit", data=PAIRS),
    "dataset(input)": Call(dataset, lambda value: dataset([*PAIRS, (value, LABELS[0])])),
    "dataset(target)": Call(dataset, lambda value: dataset([*PAIRS, (INPUTS[0], value)])),
    "dataset(sample)": Call(dataset, lambda value: dataset([*PAIRS, value])),
    **each(table, "path", target="y"),
    **each(
        drawn(function), "target noise low high test_samples test_grid name", target=np.sin, noise=0.1, low=0, high=1
    ),
    **each(drawn(digits), "label_noise test_samples"),
    **each(benign.sources.mnist, "side label_noise"),
    "draw(samples)": Call(SOURCE.draw, lambda value: SOURCE.draw(value, benign.Replicate())),
    **each(benign.Replicate, "seed draw initialisation noise"),
    **each(
        size_path, "train train_targets test test_targets sizes ridge leave_one_out predict_at spectrum_at",
        train=INPUTS, train_targets=VALUES, test=INPUTS, test_targets=VALUES,
    ),
    **each(FourierFeatures, "bandwidth"),
    **each(PolynomialFeatures, "low high basis", low=0.0, high=1.0),
    **each(benign.RandomFourier, "bandwidth form ridge"),
    **each(benign.Polynomial, "basis ridge"),
    **each(benign.Training, "learning_rate weight_decay epochs batch_size optimizer loss stop_at_zero_error"),
    **each(
        benign.from_estimator, "estimator size time inverse revision", estimator=DecisionTreeClassifier(),
        size="max_depth",
    ),
    **each(benign.from_callable, "fit name revision size_name time_name max_size inverse", fit=fit, name="f"),
    **each(
        benign.measure, "procedure source times seed name", procedure=FOURIER,
        source=SOURCE, **GRID,
    ),
    **each(benign.measure, "crossed", procedure=FOURIER, source=SOURCE, **{**GRID, "replicates": None}),
    **each(
        benign.effective_model_complexity, "size tolerance criterion replicates",
        procedure=FOURIER, source=SOURCE, size=4, **SEARCH,
    ),
    **each(curves.find_landmarks, "positions test_risk train_objective constant_objective tolerance level",
           positions=np.arange(1.0, 8.0), test_risk=RISKS, train_objective=RISKS, constant_objective=np.ones(6)),
    **each(curves.peak_test, "values training positions level", values=RISKS),
    **each(curves.mean_interval, "differences level", differences=RISKS[:, 0]),
    **each(curves.bootstrap_interval, "values level", values=RISKS),
    **each(curves.percentile_interval, "resampled level", resampled=RISKS[0]),
    **each(curves.peak_place, "positions training", positions=np.arange(1.0, 8.0), training=RISKS),
    **each(curves.paired_claim, "differences level statistic side", name="n", claim="c", differences=RISKS[:, 0]),
    **each(choose, "executor workers", executor=None, workers=None, jobs=0),
    "Surface.open": Call(benign.Surface.open, benign.Surface.open),
    "Reproduction.open": Call(benign.Reproduction.open, benign.Reproduction.open),
    "Experiment.from_toml": Call(benign.Experiment.from_toml, benign.Experiment.from_toml),
    "run": Call(benign.run, lambda value: benign.run(value, store=":memory:", workers=1)),
    "open_run": Call(benign.open_run, benign.open_run),
    "figure(name)": Call(benign.figure, lambda value: benign.figure(value, scale="no such scale")),
}  # fmt: skip


def refusal(answer: Callable[[], object], of: Callable[..., object] | None = None) -> str | None:
    """What a call answers that is not as it should be: an error of another kind, no short sentence, or no argument."""
    try:
        answer()
    except BenignError as error:
        words = str(error)
        if not (words.isprintable() and len(words) < LONGEST):
            return f"{len(words)} characters: {words[:200]!r}"
        return None if of is None or names_its_argument(error, of) else f"no argument of the call's: {words[:200]!r}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return f"{type(error).__name__} at {error.__traceback__ and _place(error)}"
    return None


def names_its_argument(error: BenignError, of: Callable[..., object]) -> bool:
    """Whether the error carries a parameter of the call; of several in one sentence it carries none."""
    if not isinstance(error, InvalidArgument) or isinstance(error, InvalidDeclaration):  # which has the keys of a file
        return True
    parameters = inspect.signature(of).parameters
    if error.argument is None:
        return sum(f"`{name}`" in str(error) for name in parameters) > 1
    return error.argument in parameters


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    assert trace is not None
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_hostile_value_gets_one_sentence_about_its_argument_or_is_taken(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = {name: refusal(lambda make=make: call.answer(make()), call.of) for name, make in HOSTILE.items()}  # type: ignore[misc]
    assert not {name: fault for name, fault in told.items() if fault}
    assert not list(tmp_path.iterdir()), "nothing was written"


def test_the_argument_comes_back_from_a_worker() -> None:
    with pytest.raises(InvalidArgument) as caught:
        arrays(INPUTS, LABELS, label_noise=2.0)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.argument, str(again)) == ("label_noise", str(caught.value))


# ---------------------------------------------------------------------------------------------- what is legitimate
WHOLE = np.arange(3.0 * ROWS).reshape(ROWS, 3) * 37 % 11  # float16 holds them


def _memory_mapped() -> np.ndarray:
    with tempfile.NamedTemporaryFile() as file:
        mapped = np.memmap(file.name, dtype=np.float64, mode="w+", shape=WHOLE.shape)
    mapped[:] = WHOLE
    return mapped


def _read_only() -> np.ndarray:
    copy = WHOLE.copy()
    copy.setflags(write=False)
    return copy


LAYOUTS: dict[str, Callable[[], object]] = {
    "big-endian": lambda: WHOLE.astype(">f8"),
    "strides": lambda: np.repeat(np.repeat(WHOLE, 2, axis=0), 3, axis=1)[::2, ::3],
    "reversed": lambda: WHOLE[::-1].copy()[::-1],
    "by-columns": lambda: np.asfortranarray(WHOLE),
    "read-only": _read_only,
    "memory-mapped": _memory_mapped,
    "half": lambda: WHOLE.astype(np.float16),
    "long": lambda: WHOLE.astype(np.longdouble),
    "big-endian-integers": lambda: WHOLE.astype(">i4"),
    "unsigned": lambda: WHOLE.astype(np.uint8),
    "lists": WHOLE.tolist,
    "decimals": lambda: [[Decimal(int(entry)) for entry in row] for row in WHOLE],
    "fractions": lambda: [[Fraction(int(entry)) for entry in row] for row in WHOLE],
    "unmasked": lambda: np.ma.masked_array(WHOLE, mask=np.zeros(WHOLE.shape, dtype=bool)),
    "pandas": lambda: pd.DataFrame(WHOLE),
    "pandas-names": lambda: pd.DataFrame(WHOLE, columns=["toarray", "shape", "x"]),
    "pandas-nullable": lambda: pd.DataFrame(WHOLE.astype(int)).astype("Int64"),
    "pandas-sparse": lambda: pd.DataFrame(WHOLE).astype(pd.SparseDtype(float, 0.0)),
    "pandas-categories": lambda: pd.DataFrame(WHOLE).astype("category"),
    "polars": lambda: pl.DataFrame(WHOLE),
    "arrow-in-chunks": lambda: pa.concat_tables([_arrow().slice(0, 7), _arrow().slice(7)]),
}


def _arrow() -> pa.Table:
    return pa.table({f"c{index}": column for index, column in enumerate(WHOLE.T)})


@pytest.mark.parametrize("make", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_the_numbers_do_not_depend_on_how_they_are_held(make: Callable[[], object]) -> None:
    held: Any = make()
    assert arrays(held, LABELS).spec() == arrays(WHOLE, LABELS).spec()
    assert arrays(INPUTS, held, task="regression").spec() == arrays(INPUTS, WHOLE, task="regression").spec()
    path = size_path(held, VALUES, held, VALUES)
    np.testing.assert_array_equal(path.test_loss, size_path(WHOLE, VALUES, WHOLE, VALUES).test_loss)


FRAMES: dict[str, Callable[[], object]] = {
    "nullable": lambda: pd.DataFrame(WHOLE.astype(int)).astype("Int64"),
    "categories": lambda: pd.DataFrame(WHOLE).astype("category"),
    "half": lambda: pd.DataFrame(WHOLE.astype(np.float16)),
    "big-endian": lambda: pd.DataFrame(WHOLE.astype(">f8")),
    "polars-lazy": lambda: pl.DataFrame(WHOLE, schema=["0", "1", "2"]).lazy(),
    "dictionaries": lambda: pa.table({str(i): pa.array(WHOLE[:, i]).dictionary_encode() for i in range(3)}),
}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES.keys())
def test_a_frame_is_the_arrays_it_holds_however_it_holds_them(make: Callable[[], object]) -> None:
    source = frame(make(), target="0", inputs=["1", "2"], task="regression", name="arrays")
    assert source.spec() == arrays(WHOLE[:, 1:], WHOLE[:, 0], task="regression").spec()


LABELLED: dict[str, object] = {
    "bytes": [name.encode() for name in LABELS],
    "byte-array": np.array(LABELS, dtype="S1"),
    "texts": np.array(LABELS, dtype=object),
    "categories": pd.Categorical(LABELS, categories=["unused", "b", "a"]),
    "arrow": pa.chunked_array([LABELS[:5], LABELS[5:]]).dictionary_encode(),
}


@pytest.mark.parametrize("labels", LABELLED.values(), ids=LABELLED.keys())
def test_labels_do_not_depend_on_how_they_are_held(labels: Any) -> None:
    assert arrays(INPUTS, labels).spec() == SOURCE.spec()


def test_a_nul_makes_no_one_class_of_two() -> None:
    for labels in (["a\0", "a"] * 10, [b"a\0", b"a"] * 10, np.array(["a\0", "a"] * 10, dtype=object)):
        with pytest.raises(BenignError, match=r"^`targets` must be text that a file can hold, got b?'a\\x00'"):
            arrays(INPUTS, labels)


@pytest.mark.parametrize("kind", ["M8[ns]", "M8[D]", "m8[ns]", "m8[s]"])
def test_dates_and_times_are_no_numbers(kind: str) -> None:
    days = np.arange(ROWS).astype(kind)
    for call in (
        lambda: arrays(days[:, None], LABELS),
        lambda: arrays(INPUTS, days, task="regression"),
        lambda: size_path(days, VALUES, days, VALUES),
        lambda: benign.measure(FOURIER, SOURCE, **{**GRID, "seed": days[0]}),
    ):
        with pytest.raises(BenignError, match=r"^`\w+` must be (numbers|an integer)"):
            call()


@pytest.mark.parametrize(
    ("make", "given"),
    [
        (arrays, {"inputs": INPUTS, "targets": LABELS}),
        (frame, {"data": 1, "target": "y"}),
        (table, {"path": "x", "target": "y"}),
    ],
)
def test_weights_of_samples_get_a_sentence_in_a_call_and_are_no_setting_of_a_file(
    make: Callable[..., object], given: dict[str, object]
) -> None:
    with pytest.raises(BenignError, match="`sample_weight` must be left out: every sample counts the same"):
        make(**given, sample_weight=VALUES)
    assert set(given) <= set(settings_of(make))
    assert "sample_weight" not in settings_of(make)


# ------------------------------------------------------------------------------------------------- by Hypothesis
EXTREMES = (0.0, 1e-320, 1e-150, 1e-149, 1e-100, 1.0, 1.0 + 1e-15, 1e100, -1e100)
NUMBERS = st.floats(allow_subnormal=True) | st.sampled_from(EXTREMES)


@settings(max_examples=150)
@given(
    inputs=arrays_of.arrays(np.float64, (6, 2), elements=NUMBERS),
    targets=arrays_of.arrays(np.float64, 6, elements=NUMBERS),
    scale=st.sampled_from(["standard", "unit", "none"]) | st.floats(),
    ridge=st.floats() | st.just(0.0),
)
def test_any_numbers_are_refused_or_computed_with(
    inputs: np.ndarray, targets: np.ndarray, scale: float | str, ridge: float
) -> None:
    try:
        split = arrays(inputs, targets, scale=scale, test_samples=2).draw(4, benign.Replicate())
    except BenignError:
        pass
    else:
        assert all(np.isfinite(part).all() for part in (split.pool, split.test_inputs, split.train_targets))
        assert np.isfinite(np.square(split.pool)).all(), "a square is a number"
    fault = refusal(lambda: size_path(inputs, targets, inputs, targets, ridge=ridge))
    assert fault is None


@settings(max_examples=100)
@given(
    content=st.binary(max_size=200)
    | st.text(st.sampled_from(',;\t"\n\r\0 01.5aä-'), max_size=60).map(lambda text: f"x,y\n{text}".encode())
)
def test_any_bytes_are_a_table_or_get_a_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    for name in ("t.csv", "t.parquet"):
        path = tmp_path_factory.getbasetemp() / name
        path.write_bytes(content)
        assert refusal(lambda path=path: table(path, target="y")) is None  # type: ignore[misc]


def test_a_damaged_parquet_file_gets_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    the_frame().to_parquet(path)
    whole = path.read_bytes()
    places = np.random.default_rng(0).integers(len(whole), size=60).tolist()
    for place in places:
        for damaged in (whole[:place], whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :]):
            path.write_bytes(damaged)
            assert refusal(lambda: table(path, target="y")) is None


def test_paths_as_bytes_are_taken_and_nothing_is_read_for_ever(tmp_path: Path) -> None:
    path, pipe, device = tmp_path / "t.csv", tmp_path / "pipe.csv", tmp_path / "zero.csv"
    the_frame().to_csv(path, index=False)
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    assert table(os.fsencode(path), target="y").classes == ("a", "b")  # type: ignore[arg-type]
    for place in (pipe, device, tmp_path):
        for call in (lambda place=place: table(place, target="y"), lambda place=place: benign.Surface.open(place)):
            with pytest.raises(BenignError, match="no regular file"):
                call()
