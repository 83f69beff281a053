"""The figure on similar solutions: reading at equal loss, and which way its claims point, on made-up surfaces."""

import numpy as np
import pytest
import xarray as xr

from benign.curves import Verdict
from benign.figures.similar_solutions import FIGURE, SCALES, metric_at_losses
from benign.foundation.replicate import paired_replicates
from benign.procedures.repeated_mlp import RepeatedMLP
from benign.schema import replicate_coordinates

AT = SCALES["quick"]
TIMES = np.array([0.0, 1.0, 3.0, 9.0])
FLAT = {
    "disagreement": 0.4,
    "disagreement_independent": 0.7,
    "representation_similarity": 0.8,
    "barrier": 1.0,
    "barrier_matched": 0.5,
    "test_error": 0.5,
}


def surface(seed, **slopes):
    """Metrics that change with width by their slope and with time not at all, with a little noise of the replicates."""
    random = np.random.default_rng([3, seed])
    sizes = np.array(AT.widths)
    shape = (len(sizes), len(TIMES), 1, AT.replicates)
    place = np.arange(len(sizes))[:, None, None, None]
    loss = np.array([2.0, 1.0, 0.25, 0.1])[None, :, None, None]
    data = {name: level + slopes.get(name, 0.0) * place for name, level in FLAT.items()} | {"train_loss": loss}
    noise = {name: 0.01 * random.standard_normal((*shape[:1], 1, 1, shape[3])) for name in FLAT}
    dims = ("size", "time", "samples", "replicate")
    variables = {name: (dims, np.broadcast_to(values + noise.get(name, 0.0), shape)) for name, values in data.items()}
    variables["outcome"] = (dims, np.zeros(shape, dtype=np.int8))
    coordinates = replicate_coordinates(paired_replicates(AT.replicates))
    return xr.Dataset(
        variables,
        coords={"size": sizes, "time": TIMES, "samples": [AT.samples], **coordinates},
        attrs={"size_name": "hidden units", "time_name": "epochs"},
    )


def verdicts(small, large, **slopes):
    """Of surfaces whose disagreement changes with the learning rate from ``small`` to ``large``."""
    surfaces = {f"rate_{i}": surface(i, **slopes) for i in range(3)}
    for name, shift in (("rate_0", small), ("rate_2", large)):
        surfaces[name]["disagreement"] = surfaces[name]["disagreement"] + shift
    results = FIGURE.results("quick", surfaces)
    assert len(list(FIGURE.pictures(results))) == 4
    assert set(FIGURE.primary_claims("quick")) <= set(results.findings)
    return {name: finding.verdict for name, finding in results.findings.items()}, FIGURE.headline(results)


def test_a_metric_is_read_where_the_loss_first_falls_to_a_level():
    one = surface(0)
    rising = np.broadcast_to(TIMES[None, :, None, None], one["disagreement"].shape)
    one["disagreement"] = one["disagreement"].dims, rising.copy()
    found = metric_at_losses(one, "disagreement", AT.compared_width, np.array([2.0, 1.0, 0.5, 0.25, 0.05]))
    expected = [np.nan, 1.0, 2.0, 3.0, np.nan]  # 0.5 is half way from 1 to 0.25 in the logarithm; 2 was never above
    np.testing.assert_allclose(found, np.tile(expected, (AT.replicates, 1)), rtol=1e-12)


def test_claims_hold_where_networks_agree_with_width_and_steps():
    found, headline = verdicts(
        0.05, -0.05, disagreement=-0.1, representation_similarity=0.05, barrier=-0.1, barrier_matched=-0.2
    )
    assert set(found.values()) == {Verdict.HOLDS}
    assert headline.endswith("larger steps make them agree more at equal training loss.")


def test_claims_fail_where_they_disagree():
    found, headline = verdicts(
        -0.05, 0.05, disagreement=0.3, representation_similarity=-0.05, barrier=-0.4, barrier_matched=0.2
    )
    assert set(found.values()) == {Verdict.FAILS}
    assert "not confirmed" in headline


@pytest.mark.parametrize("scale", SCALES)
def test_scales_can_be_trained(scale):
    at = SCALES[scale]
    assert at.compared_width in at.widths
    assert list(at.rates) == sorted(at.rates)
    for rate, declared in zip(at.rates, FIGURE.runs(scale), strict=True):
        assert isinstance(declared.procedure, RepeatedMLP)
        training = declared.procedure.mlp.training
        assert training.learning_rate == rate
        assert rate * training.last_time == pytest.approx(at.flow_time)
    assert at.samples % at.batch == 0
