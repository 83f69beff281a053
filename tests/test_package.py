"""The package as a whole: light to import, and what the list of public names promises."""

import importlib
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

import benign
from benign import diagnosis
from tests.networks.extra import needs_networks

HEAVY = ["numpy", "sklearn", "xarray", "numba", "matplotlib", "scipy", "pandas", "jax", "torch", "ray"]
MEASURING = [*HEAVY[1:], "pyarrow", "narwhals", "loky", "benign.procedures.protocol", "benign.figures.figure"]


def loaded_by(names, *command):
    """Which of the modules a command has loaded when it has answered, and the answer."""
    code = (
        f"import sys, json\nfrom benign.cli import main\nsys.argv = {['benign', *command]!r}\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print(json.dumps([m for m in {names!r} if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *answer, loaded = done.stdout.splitlines()
    return json.loads(loaded), "\n".join(answer)


@pytest.mark.parametrize("statement", ["import benign", "from benign.cli.main import app"])
def test_import_is_light(statement):
    code = f"import sys; {statement}; import json; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_help_is_light():
    loaded, answer = loaded_by(HEAVY, "--help")
    assert loaded == []
    assert "figure" in answer


@pytest.mark.parametrize(
    ("command", "word"), [(("runs", "--store", "{}"), "one-"), (("figures", "--names"), "belkin2019_fourier")]
)
def test_a_list_loads_nothing_that_measures(command, word, tmp_path):
    store = tmp_path / "runs.db"
    images, fourier = benign.sources.digits(), benign.RandomFourier()
    benign.measure(fourier, images, samples=[10], sizes=[5], replicates=1, executor="here", name="one", store=store)
    loaded, answer = loaded_by(MEASURING, *(part.format(store) for part in command))
    assert loaded == []
    assert word in answer


def test_the_version_is_said():
    done = subprocess.run([sys.executable, "-m", "benign", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"benign {version('benign')}\n"


@pytest.mark.parametrize(
    "name", ["", ".diagnosis", ".experiments", ".implicit", ".networks", ".procedures", ".surface"]
)
def test_every_public_name_resolves(name):
    if name in (".implicit", ".networks", ".procedures"):
        needs_networks()
    room = importlib.import_module(f"benign{name}")
    for public in room.__all__:
        assert getattr(room, public) is vars(room)[public]
    assert dir(room) == sorted(room.__all__)


def test_what_the_pages_name_is_there_after_import_benign_alone():
    root = Path(__file__).parents[1]
    pages = [root / "README.md", *(root / "docs").glob("*.md")]
    written = re.findall(
        r"(?<!from )(?<!import )(?<!:: )\bbenign((?:\.[A-Za-z_]\w*)+)", "".join(map(Path.read_text, pages))
    )
    rooms = {name for name, *_ in (names[1:].split(".") for names in written) if (root / f"src/benign/{name}").is_dir()}
    assert rooms >= {"histories", "plots", "sources"}
    code = f"import benign\nprint([room for room in {sorted(rooms)!r} if not hasattr(benign, room)])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_package_lists_its_names_once_wherever_it_lies(tmp_path):
    source = (
        "from typing import TYPE_CHECKING\n"
        "from benign.foundation.public_names import load_on_first_use\n"
        "if TYPE_CHECKING:\n"
        "    from packed import shapes as shapes\n"
        "    from packed.shapes import Circle as Circle\n"
        "__all__ = list(load_on_first_use(globals(), moved={'Ring': 'packed.shapes'}))\n"
    )
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("packed/__init__.py", source)
        archive.writestr("packed/shapes.py", "class Circle: ...\nRing = Circle\n")
    code = (
        "import sys, warnings, packed; assert 'packed.shapes' not in sys.modules\n"
        "from packed import *; assert packed.shapes.Circle is Circle and dir(packed) == packed.__all__\n"
        "with warnings.catch_warnings(record=True) as said: assert packed.Ring is Circle\n"
        "print(packed.__all__, said[0].message, said[0].filename)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "packed.zip")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "['Circle', 'shapes'] packed.Ring is now packed.shapes.Ring. <string>\n"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = benign.nonsense  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["RegimeMap", "regimes_of_surface", "emc_on_surface", "smallest_size"])
def test_an_old_name_answers_with_a_warning(name):
    with pytest.warns(DeprecationWarning, match=rf"benign.diagnosis.{name} is now benign.surface.\w+.{name}"):
        assert callable(getattr(diagnosis, name))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        diagnosis.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_the_versions_of_python_are_said_alike():
    root = Path(__file__).parents[1]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    low, beyond = map(int, re.findall(r"3\.(\d+)", project["requires-python"]))
    classifiers = [f"Programming Language :: Python :: 3.{minor}" for minor in range(low, beyond)]
    assert [one for one in project["classifiers"] if re.search(r"Python :: 3\.", one)] == classifiers
    assert f"(3, {low}) <= sys.version_info < (3, {beyond})" in (root / "Makefile").read_text("utf-8")
    for file in ("Makefile", "requirements.lock", ".ci/run", "docs/dependencies.md"):
        assert f"3.{low} to 3.{beyond - 1}" in (root / file).read_text("utf-8")
