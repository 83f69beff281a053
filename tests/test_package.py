"""The package as a whole: light to import, and what the list of public names promises."""

import json
import subprocess
import sys
from importlib.metadata import version

import pytest

import benign
from benign import diagnosis

HEAVY = ["numpy", "sklearn", "xarray", "numba", "matplotlib", "scipy", "pandas", "jax", "torch", "ray"]


@pytest.mark.parametrize("statement", ["import benign", "from benign.cli.main import app"])
def test_import_is_light(statement):
    code = f"import sys; {statement}; import json; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_help_is_light():
    code = (
        "import sys, json\nfrom benign.cli import main\nsys.argv = ['benign', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []
    assert "figure" in done.stdout


def test_the_version_is_said():
    done = subprocess.run([sys.executable, "-m", "benign", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"benign {version('benign')}\n"


def test_every_public_name_resolves():
    for name in benign.__all__:
        assert getattr(benign, name) is not None
    assert set(benign.__all__) <= set(dir(benign))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = benign.nonsense


@pytest.mark.parametrize("name", ["RegimeMap", "regimes_of_surface", "emc_on_surface", "smallest_size"])
def test_an_old_name_answers_with_a_warning(name):
    with pytest.warns(DeprecationWarning, match=rf"benign.diagnosis.{name} is now benign.surface.\w+.{name}"):
        assert callable(getattr(diagnosis, name))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        diagnosis.nothing  # noqa: B018
