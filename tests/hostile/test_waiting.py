"""Nobody waits in silence, twice for the same store, or for what could never have fitted into memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import pytest

import benign
from benign.foundation import memory
from benign.foundation.errors import NotEnoughMemory
from benign.foundation.replicate import Replicate
from benign.sources.functions import FunctionSource

# ---------------------------------------------------------------------------------------------------- what cannot fit


@dataclass(frozen=True, kw_only=True)
class Undrawn:
    """A source that nobody may draw from."""

    test_samples: int = 200
    revision: int = 1
    name: str = "undrawn"
    classes: None = None
    max_samples: None = None

    def spec(self) -> dict[str, object]:
        return {"source": "undrawn"}

    def draw(self, samples: int, replicate: Replicate) -> NoReturn:
        raise AssertionError(f"{samples:,} samples were drawn")


ONCE: dict[str, Any] = {"samples": [200], "sizes": [2], "replicates": 1}
MILLION = ONCE | {"samples": [10**6], "sizes": "every"}
TOO_LARGE = {
    "every size of a million samples": (benign.RandomFourier, MILLION, "36.4 TiB"),
    "every degree of a million samples": (benign.Polynomial, MILLION, "109 TiB"),
    "a degree": (benign.Polynomial, ONCE | {"sizes": [10**8]}, "313 GiB"),
    "a number of features": (benign.RandomFourier, ONCE | {"sizes": [10**9]}, "149 GiB"),
    "a width": (benign.OneHiddenLayer, ONCE | {"sizes": [10**12]}, "PiB"),
    "a width of several layers": (benign.MLP, ONCE | {"sizes": [10**9]}, "PiB"),
    "a depth": (lambda: benign.MLP(depth=10**9), ONCE, "PiB"),
    "replicates": (benign.Polynomial, ONCE | {"replicates": 10**9}, "a grid of 1,000,000,000 cells"),
    "crossed replicates": (
        benign.Polynomial, {"samples": [200], "sizes": [2], "crossed": (10**5, 10**5, 10**5)}, "a grid of 1,000,000,000"
    ),
    "a grid": (
        benign.Polynomial, ONCE | {"samples": range(2, 10**6), "replicates": 10**6}, "a grid of 999,998,000,000"
    ),
    "many times": (benign.MLP, ONCE | {"times": range(10**9)}, "`times` with 1,000,000,000 values"),
    "many sizes": (benign.Polynomial, ONCE | {"sizes": range(1, 10**30)}, "`sizes` with 9,223,372,036,854,775,807"),
    "many samples": (benign.Polynomial, ONCE | {"samples": range(2, 10**10)}, "`samples` with 9,999,999,998 values"),
    "samples of a procedure that says nothing": (
        lambda: benign.from_callable(lambda *_: lambda inputs: inputs, size_name="knobs", name="mine"),
        ONCE | {"samples": [10**12]}, "29.1 TiB",
    ),
}  # fmt: skip


@pytest.fixture
def _small_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda: 24 * 2**30)


@pytest.mark.parametrize(("make", "wanted", "number"), TOO_LARGE.values(), ids=TOO_LARGE)
@pytest.mark.usefixtures("_small_machine", "unchecked")
def test_what_cannot_fit_is_refused_before_it_is_built(make, wanted, number):
    with pytest.raises(NotEnoughMemory, match=r"needs about .* of memory and 24 GiB are free; (lower|give)") as error:
        benign.measure(make(), Undrawn(), **wanted)
    assert number in str(error.value)


@pytest.mark.usefixtures("_small_machine")
def test_a_test_set_that_cannot_fit_is_refused_before_it_is_built():
    with pytest.raises(NotEnoughMemory, match="10,000,000,000 test samples needs about"):
        benign.measure(benign.Polynomial(), Undrawn(test_samples=10**10), **ONCE)
    source: FunctionSource = benign.sources.mml(test_samples=10**10)
    with pytest.raises(NotEnoughMemory, match="needs about 745 GiB"):
        source.draw(5, Replicate())


@pytest.mark.usefixtures("_small_machine")
def test_what_fits_is_not_refused():
    assert benign.measure(benign.Polynomial(), benign.sources.mml(), **ONCE).dataset.sizes["size"] == 1


@pytest.mark.parametrize("version", [1, 2])
def test_the_memory_of_a_container_is_its_own(tmp_path, monkeypatch, version):
    """A limit of the group around ours counts; pages of files that nobody uses are free."""
    limit, used, root, line = (
        ("memory.limit_in_bytes", "memory.usage_in_bytes", tmp_path / "memory", "4:cpu,memory:/pod/mine"),
        ("memory.max", "memory.current", tmp_path, "0::/pod/mine"),
    )[version - 1]
    (root / "pod" / "mine").mkdir(parents=True)
    for folder, bound in ((root / "pod", "5000000"), (root / "pod" / "mine", "max")):
        (folder / limit).write_text(bound + "\n")
        (folder / used).write_text("3000000\n")
        (folder / "memory.stat").write_text("anon 2000000\ninactive_file 500000\n")
    (tmp_path / "own").write_text(f"7:pids:/\n{line}\n")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path)
    monkeypatch.setattr(memory, "_OWN_GROUPS", tmp_path / "own")
    assert memory.available_bytes() == 2_500_000
    monkeypatch.setattr(memory, "_OWN_GROUPS", tmp_path / "nowhere")
    assert memory.available_bytes() > 2_500_000
