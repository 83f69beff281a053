"""A new figure takes one file and one line in the registry: then every command knows it."""

import json

import pytest
from typer.testing import CliRunner

import benign
from benign.cli.main import app
from benign.figures import registry

NAME = "ridge_and_the_peak"


@pytest.fixture
def ran(monkeypatch, tmp_path):
    monkeypatch.setitem(registry.MODULES, NAME, f"tests.figures.{NAME}")
    monkeypatch.setenv("BENIGN_STORE", str(tmp_path / "runs.db"))
    monkeypatch.chdir(tmp_path)

    def run(*words):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        return done.stdout

    return run


def test_a_new_figure_is_listed_planned_measured_kept_and_told(ran, tmp_path):
    assert ran("figures", "--names").split()[-1] == NAME
    assert "of 12 jobs are left" in ran("plan", NAME, "--scale", "smoke", "--workers", "1")
    told = json.loads(ran("figure", NAME, "--scale", "smoke", "--workers", "1", "--out", "out", "--json"))
    verdicts = {finding["name"]: finding["verdict"] for finding in told["findings"]}
    assert verdicts["ridge_lowers"] == "holds"
    assert told["headline"] == "A ridge lowers the peak at n."
    again = benign.Reproduction.open(tmp_path / "out")
    assert {finding.name: finding.verdict.value for finding in again.findings} == verdicts
    assert "Does a ridge remove the peak?" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert f"{NAME.replace('_', '-')}-smoke-some" in ran("runs")
