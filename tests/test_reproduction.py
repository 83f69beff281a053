"""A reproduction keeps what was measured, whatever happens, and a stored one tells the same story."""

import dataclasses
import json
import os

import pytest
import xarray as xr

import benign
from benign.experiments import MeasurementInterrupted
from benign.experiments.environment import Environment
from benign.figures import find_figure, reproduction
from benign.figures.folders import checked_folder, is_current
from benign.figures.measurement import Made
from benign.figures.story import write_report
from benign.foundation.errors import InvalidArgument, OutputFailed, UnknownName


@pytest.fixture(scope="module")
def polynomial():
    """Measured as declared, with one of its pictures: what is kept is told of one as of all, and drawing is slow."""
    measured = benign.figure("mml_polynomial", scale="smoke", workers=1)
    pictures = measured.figure.pictures
    figure = dataclasses.replace(
        measured.figure, pictures=lambda results: [one for one in pictures(results) if one.name == "u_curve"]
    )
    return dataclasses.replace(measured, figure=figure)


def _interrupted_figure(dataset):
    """One surface is there, the measurement of the other is interrupted after three replicates."""

    def interrupted(seed):
        raise MeasurementInterrupted(dataset.isel(replicate=slice(3)), 3, 100)

    planned = [Made(name="finished", make=lambda _: dataset), Made(name="unfinished", make=interrupted)]
    return dataclasses.replace(find_figure("mml_polynomial"), experiments=lambda _: planned)


def test_an_unknown_scale_is_told_before_a_store_is_opened(tmp_path, monkeypatch):
    monkeypatch.setenv("BENIGN_STORE", f"sqlite:///{tmp_path / 'store.db'}")
    with pytest.raises(UnknownName, match="smoke"):
        benign.figure("mml_polynomial", scale="smok")
    assert not list(tmp_path.iterdir())


def test_interruption_keeps_finished_and_partial_surfaces(polynomial, tmp_path, monkeypatch):
    dataset = polynomial.surfaces["polynomial"].dataset
    monkeypatch.setattr(reproduction, "find_figure", lambda _: _interrupted_figure(dataset))
    with pytest.raises(MeasurementInterrupted, match=r"finished\.nc, partial\.nc"):
        reproduction.reproduce("any", scale="smoke", seed=0, environment=Environment(), rescue=tmp_path)
    xr.testing.assert_identical(benign.Surface.open(tmp_path / "finished.nc").dataset, dataset)
    assert benign.Surface.open(tmp_path / "partial.nc").dataset.sizes["replicate"] == 3


def test_a_later_run_leaves_no_partial_surface_and_the_last_one_what_is_current(polynomial, tmp_path, monkeypatch):
    dataset = polynomial.surfaces["polynomial"].dataset
    monkeypatch.setattr(reproduction, "find_figure", lambda _: _interrupted_figure(dataset))
    with pytest.raises(MeasurementInterrupted):
        reproduction.reproduce("any", scale="smoke", seed=0, environment=Environment(), rescue=tmp_path)
    monkeypatch.undo()
    (tmp_path / "finished.nc").unlink()
    (tmp_path / "others").mkdir()
    others = [tmp_path / name for name in ("notes.html", ".benign", "others/report.html", "polynomial.csv")]
    for other in others:
        other.write_text("mine", encoding="utf-8")
    first = polynomial.save(tmp_path)
    assert [other.read_text(encoding="utf-8") for other in others] == ["mine"] * 4
    assert not (tmp_path / "partial.nc").exists()
    again = benign.Reproduction.open(tmp_path)
    assert list(again.surfaces) == ["polynomial", "descent"]
    assert again.to_dict() == polynomial.to_dict()
    for path in first:
        os.utime(path, (0, 0))  # older than any module: what is current is told by revision and version alone
    assert polynomial.save(tmp_path) == first
    assert {path.stat().st_mtime_ns for path in first} == {0}
    revised = dataclasses.replace(polynomial, figure=dataclasses.replace(polynomial.figure, revision=99))
    assert revised.save(tmp_path) == first
    assert all(path.stat().st_mtime_ns > 0 for path in first)
    assert not is_current(tmp_path, (tmp_path / "findings.json").read_text(encoding="utf-8"), ["lost.png"])


STRANGERS = ("findings.json", "report.html", "polynomial.nc", "descent.parquet", "u_curve.png", "partial.nc")


@pytest.mark.parametrize("name", STRANGERS)
def test_files_of_others_stay_as_they_are(polynomial, name, tmp_path, monkeypatch):
    (tmp_path / name).write_text("mine", encoding="utf-8")
    dataset = polynomial.surfaces["polynomial"].dataset
    if name == "partial.nc":
        monkeypatch.setattr(reproduction, "find_figure", lambda _: _interrupted_figure(dataset))
        with pytest.raises(MeasurementInterrupted, match="Interrupted after 3 of 100 jobs; what was measured is"):
            reproduction.reproduce("any", scale="smoke", seed=0, environment=Environment(), rescue=tmp_path)
    else:
        with pytest.raises(OutputFailed, match=f"{name} was not written by benign and stays as it is"):
            polynomial.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text(encoding="utf-8") == "mine"


def test_a_folder_with_files_of_others_is_refused_before_anything_is_measured(polynomial, tmp_path):
    def check(*names):
        return checked_folder(tmp_path, names=names, scale="smoke", seed=0, workers=None)

    (tmp_path / "report.html").write_text("mine", encoding="utf-8")
    for names in (["mml_polynomial"], ["mml_polynomial", "belkin2019_fourier"]):
        with pytest.raises(OutputFailed, match=r"report\.html was not written by benign"):
            check(*names)
    write_report([polynomial], tmp_path / "report.html", command="benign demo")
    check("mml_polynomial", "belkin2019_fourier")
    (tmp_path / "mml_polynomial" / "findings.json").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputFailed, match=r"findings\.json was not written by benign"):
        check("mml_polynomial", "belkin2019_fourier")


def test_a_save_that_was_killed_goes_on_in_its_folder(polynomial, tmp_path, monkeypatch):
    def killed(*_):
        raise SystemExit

    monkeypatch.setattr(reproduction, "save", killed)
    for _ in range(2):
        with pytest.raises(SystemExit):
            polynomial.save(tmp_path)
    with pytest.raises(InvalidArgument, match=r"holds no findings\.json that can be read"):
        benign.Reproduction.open(tmp_path)


def test_what_somebody_else_wrote_as_findings_leads_nowhere_else(polynomial, tmp_path):
    told = polynomial.to_dict() | {"surfaces": ["../../polynomial"]}
    (tmp_path / "findings.json").write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(InvalidArgument, match=r"holds no findings\.json that can be read"):
        benign.Reproduction.open(tmp_path)


@pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"figure": 1}', "[" * 100_000])
def test_a_folder_without_findings_gets_a_sentence(tmp_path, text):
    (tmp_path / "findings.json").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidArgument, match=r"holds no findings\.json that can be read"):
        benign.Reproduction.open(tmp_path)


def test_settings_are_checked_before_a_folder_is_made(tmp_path):
    def check(**changes):
        settings = {"names": ["mml_polynomial"], "scale": "smoke", "seed": 0, "workers": None, **changes}
        return checked_folder(tmp_path / "new", **settings)

    for changes, error in (
        ({"names": ["mml"]}, UnknownName),
        ({"scale": "smok"}, UnknownName),
        ({"seed": -1}, InvalidArgument),
        ({"workers": 0}, InvalidArgument),
    ):
        with pytest.raises(error):
            check(**changes)
        assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(OutputFailed, match="cannot be written"):
        checked_folder(tmp_path / "file", names=["mml_polynomial"], scale="smoke", seed=0, workers=None)
    assert check().is_dir()


def test_findings_are_plain_json(polynomial):
    text = json.dumps(polynomial.to_dict(), allow_nan=False)
    assert json.loads(text)["findings"][0]["verdict"] in {"holds", "fails", "undecided"}
