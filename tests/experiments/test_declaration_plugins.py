"""Names resolve through one table and the entry points of installed distributions."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import benign
from benign.experiments.declaration import Experiment, InvalidDeclaration, resolve
from benign.experiments.declaration.catalogue import PROCEDURE, PROCEDURES, SOURCE, SOURCES, find_maker, known_names

MODULE = """
import os
import benign
from benign.sources import mml

NUMBER = 5

def wave(*, points: int = 30, noise: float = 0.1, folder: "str | os.PathLike[str] | None" = None):
    return mml(test_samples=points, noise=noise)

def anything(**settings):
    return mml()

def nothing(*, points: int = 3):
    return None

def angry():
    raise KeyError("no luck")

def ridge(*, strength: float):
    return benign.RandomFourier(ridge=strength)

class Levelless:
    def __getattr__(self, name):
        if name == "with_label_noise":
            raise AttributeError(name)
        return getattr(mml(), name)
    name = property(lambda self: "levelless")
    revision, max_samples, classes = 1, None, None
    def spec(self):
        return mml().spec()
    def draw(self, samples, replicate):
        return mml().draw(samples, replicate)
"""

ENTRY_POINTS = """
[benign.sources]
wave = waves_plugin:wave
anything = waves_plugin:anything
nothing = waves_plugin:nothing
angry = waves_plugin:angry
number = waves_plugin:NUMBER
levelless = waves_plugin:Levelless
broken = waves_plugin_that_is_not_there:wave
gone = waves_plugin:gone
digits = waves_plugin:anything

[benign.procedures]
ridge = waves_plugin:ridge
"""


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution on the path, as an installer leaves it."""
    (tmp_path / "waves_plugin.py").write_text(MODULE)
    metadata = tmp_path / "waves_for_benign-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: waves-for-benign\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "waves_plugin", raising=False)


def experiment(source: object, procedure: object = "polynomial", **settings: object) -> Experiment:
    return Experiment(source=source, procedure=procedure, samples=5, sizes=[2], **settings)  # type: ignore[arg-type]


def test_plug_ins_are_named_beside_what_comes_with_the_package() -> None:
    assert {*SOURCES, "wave", "broken"} <= set(known_names(SOURCE))
    assert {*PROCEDURES, "ridge"} <= set(known_names(PROCEDURE))


def test_a_plug_in_is_used_like_the_rest() -> None:
    resolved = resolve(experiment({"name": "wave", "points": 40}, {"name": "ridge", "strength": 2}))
    assert resolved.sources[0].spec() == benign.sources.mml(test_samples=40, noise=0.1).spec()
    assert resolved.procedure == benign.RandomFourier(ridge=2)
    assert resolved.declaration is not None
    assert Experiment.from_json(resolved.declaration).source == {"name": "wave", "points": 40}


def test_its_settings_are_checked() -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        experiment({"name": "wave", "pionts": 40}, {"name": "ridge"})
    assert str(caught.value).splitlines() == [
        "source.pionts: there is no such setting; did you mean 'points'? Known: folder, noise, points.",
        "procedure.strength: is missing; it must be a number.",
    ]


def test_its_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "e.toml"
    file.write_text('samples = 5\nprocedure = "polynomial"\n[source]\nname = "wave"\nfolder = "data"\n')
    assert Experiment.from_toml(file).source == {"name": "wave", "folder": str(tmp_path / "data")}


def test_any_settings_where_any_are_taken() -> None:
    assert resolve(experiment({"name": "anything", "goes": [1]})).sources[0].name == "mml"


def test_what_comes_with_the_package_is_not_replaced() -> None:
    assert find_maker(SOURCE, "digits") is benign.sources.digits


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "broken",
            "source.name: 'broken' is a plug-in of the distribution 'waves-for-benign' that cannot be loaded (Mod",
        ),
        (
            "gone",
            "source.name: 'gone' is a plug-in of the distribution 'waves-for-benign' that cannot be loaded (Attribut",
        ),
        (
            "number",
            "source.name: 'number' is a plug-in of the distribution 'waves-for-benign' that is no callable but 5;",
        ),
        ("nothing", "source.name: 'nothing' makes no source but None; the plug-in is broken."),
        ("angry", "source: cannot be made with these settings (KeyError: 'no luck')."),
        ("wav", "source.name: there is no source 'wav'; did you mean 'wave'? Known: angry, anything, broken, digits,"),
    ],
)
def test_broken_plug_ins_get_a_sentence_when_they_are_asked_for(name: str, message: str) -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        resolve(experiment(name))
    assert str(caught.value).startswith(message)
    assert resolve(experiment("mml")).grid.samples == (5,)


def test_a_source_without_levels() -> None:
    assert resolve(experiment("levelless")).grid.label_noise is None
    with pytest.raises(
        InvalidDeclaration, match=r"^label_noise: cannot be given for levelless, which has no method with_"
    ):
        resolve(experiment("levelless", label_noise=[0.1]))
