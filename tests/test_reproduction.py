"""A reproduction keeps what was measured, whatever happens, and a stored one tells the same story."""

import dataclasses
import json

import pytest
import xarray as xr

import benign
from benign import reproduction
from benign.experiments import MeasurementInterrupted
from benign.figures import find_figure
from benign.foundation.errors import InvalidArgument, OutputFailed, UnknownName
from benign.foundation.progress import silent


@pytest.fixture(scope="module")
def polynomial():
    return benign.figure("mml_polynomial", scale="smoke", workers=1)


def _interrupted_figure(dataset):
    def measure(options):
        del options
        yield "finished", dataset
        raise MeasurementInterrupted(dataset.isel(replicate=slice(3)), 3, 100)

    return dataclasses.replace(find_figure("mml_polynomial"), measure=measure)


def test_interruption_keeps_finished_and_partial_surfaces(polynomial, tmp_path, monkeypatch):
    dataset = polynomial.surfaces["polynomial"].dataset
    monkeypatch.setattr(reproduction, "find_figure", lambda _: _interrupted_figure(dataset))
    with pytest.raises(MeasurementInterrupted, match=r"finished\.nc, partial\.nc"):
        reproduction.reproduce("any", scale="smoke", seed=0, workers=1, progress=silent, rescue=tmp_path)
    xr.testing.assert_identical(benign.Surface.open(tmp_path / "finished.nc").dataset, dataset)
    assert benign.Surface.open(tmp_path / "partial.nc").dataset.sizes["replicate"] == 3


def test_a_later_run_leaves_no_partial_surface_and_the_last_one_what_is_current(polynomial, tmp_path):
    polynomial.surfaces["polynomial"].to_netcdf(tmp_path / "partial.nc")
    first = polynomial.save(tmp_path)
    assert not (tmp_path / "partial.nc").exists()
    again = benign.Reproduction.open(tmp_path)
    assert list(again.surfaces) == ["polynomial", "descent"]
    assert again.to_dict() == polynomial.to_dict()
    written = {path: path.stat().st_mtime_ns for path in first}
    assert sorted(polynomial.save(tmp_path)) == sorted(first)
    assert {path: path.stat().st_mtime_ns for path in first} == written
    (tmp_path / "findings.json").write_text("{}", encoding="utf-8")
    polynomial.save(tmp_path)
    assert all(path.stat().st_mtime_ns > written[path] for path in first)


@pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"figure": 1}'])
def test_a_folder_without_findings_gets_a_sentence(tmp_path, text):
    (tmp_path / "findings.json").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidArgument, match=r"holds no findings\.json that can be read"):
        benign.Reproduction.open(tmp_path)


def test_settings_are_checked_before_a_folder_is_made(tmp_path):
    def check(**changes):
        settings = {"names": ["mml_polynomial"], "scale": "smoke", "seed": 0, "workers": None, **changes}
        return reproduction.checked_folder(tmp_path / "new", **settings)

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
        reproduction.checked_folder(tmp_path / "file", names=["mml_polynomial"], scale="smoke", seed=0, workers=None)
    assert check().is_dir()


def test_findings_are_plain_json(polynomial):
    text = json.dumps(polynomial.to_dict(), allow_nan=False)
    assert json.loads(text)["findings"][0]["verdict"] in {"holds", "fails", "undecided"}
