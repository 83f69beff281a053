"""The surface of stored blocks: the same as joining the measured ones, and NaN where nothing is."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from benign.experiments.assembly import assemble
from benign.experiments.encoding import encode
from benign.experiments.grid import Grid
from benign.experiments.parts import Part
from benign.experiments.states import StoredBlock
from benign.foundation.errors import InvalidArgument
from benign.foundation.replicate import crossed_replicates
from benign.schema import DAMAGED
from tests.experiments.joined import join
from tests.experiments.measured import block, grid, part, stored

TIMES = (0.5, 3.0, np.inf)


def _keyed(*parts: Part) -> dict[str, Part]:
    return {shape.key: shape for shape in parts}


def _joined(of: Grid, level: int = 0) -> xr.Dataset:
    measured = {n: block(of.part, samples=n, replicates=of.replicates, level=level) for n in of.samples}
    return join(measured, of.replicates)


@pytest.mark.parametrize(
    "of",
    [
        pytest.param(grid(part()), id="the-end-of-training"),
        pytest.param(grid(part(times=TIMES)), id="times"),
        pytest.param(grid(part(), samples=(10,), replicates=1), id="one-curve"),
        pytest.param(replace(grid(part()), replicates=crossed_replicates(2, 1, 12)), id="crossed"),
        pytest.param(grid(part(sizes=range(1, 300))), id="compressed"),
    ],
)
def test_a_complete_surface_is_that_of_the_measured_blocks(of):
    surface = assemble(of, stored(of, of.part), _keyed(of.part))
    expected = _joined(of)
    xr.testing.assert_identical(surface.drop_attrs(deep=False), expected)
    for name in expected.variables:
        assert surface[name].dims == expected[name].dims
        assert surface[name].dtype == expected[name].dtype
    assert surface.attrs == {"title": "made up", "classes": 0}
    assert surface["outcome"].dtype == np.int8


def test_the_order_of_blocks_does_not_matter():
    of = grid(part(times=TIMES))
    blocks = list(stored(of, of.part))
    xr.testing.assert_identical(assemble(of, blocks[::-1], _keyed(of.part)), assemble(of, blocks, _keyed(of.part)))


def test_levels_of_label_noise_are_the_first_axis():
    of = grid(part(times=TIMES), noise=(0.0, 0.2))
    surface = assemble(of, stored(of, of.part), _keyed(of.part))
    assert surface["test_loss"].dims == ("label_noise", "size", "time", "samples", "replicate")
    assert surface["test_error_constant"].dims == ("label_noise", "samples", "replicate")
    assert surface["parameters"].dims == ("size",)
    assert surface.label_noise.values.tolist() == [0.0, 0.2]
    for level, noise in enumerate(of.label_noise or ()):
        one = surface.sel(label_noise=noise).drop_vars("label_noise").drop_attrs(deep=False)
        xr.testing.assert_identical(one, _joined(of, level).drop_attrs(deep=False))


WANTED = part(sizes=[1, 2, 3, 5, 8, 13], times=TIMES)


@pytest.mark.parametrize(
    "shapes",
    [
        pytest.param([part([1, 2, 3], TIMES), part([5, 8, 13], TIMES)], id="neighbouring-sizes"),
        pytest.param([part([1, 3, 8], TIMES), part([2, 5, 13], TIMES)], id="interleaved-sizes"),
        pytest.param([part([1, 2, 3, 5, 8, 13], [0.5, np.inf]), part([1, 2, 3, 5, 8, 13], [3.0])], id="times"),
        pytest.param(
            [
                part(WANTED.sizes.tolist(), TIMES, ["norm"]),
                part(WANTED.sizes.tolist(), TIMES, ["test_loss", "train_loss"]),
            ],
            id="metrics",
        ),
        pytest.param([part(range(1, 20), [0.1, *TIMES], ["condition", *WANTED.metrics])], id="more-than-asked-for"),
        pytest.param([part(range(1, 9), TIMES), part(range(4, 14), TIMES)], id="overlapping"),
        pytest.param([part(WANTED.sizes.tolist(), TIMES), part([4], [7.0])], id="nothing-in-common"),
    ],
)
def test_parts_find_their_places(shapes):
    of = grid(WANTED)
    blocks = itertools.chain.from_iterable(stored(of, shape) for shape in shapes)
    surface = assemble(of, blocks, _keyed(*shapes))
    xr.testing.assert_identical(surface, assemble(of, stored(of, WANTED), _keyed(WANTED)))


def test_where_parts_overlap_the_graver_outcome_stays():
    of = grid(part(sizes=[1]), samples=(10,), replicates=1)
    key, _ = next(of.cells())
    shapes = [of.part, part(sizes=[1, 2])]

    def surface(*outcomes: int) -> xr.Dataset:
        blocks = []
        for shape, outcome in zip(shapes, outcomes, strict=True):
            measured = block(shape)
            payload = encode(replace(measured, outcome=np.full_like(measured.outcome, outcome)))[0]
            blocks.append(StoredBlock(unit=0, cell=key, part=shape.key, payload=payload))
        return assemble(of, blocks, _keyed(*shapes))

    assert surface(2, 0)["outcome"].item() == surface(0, 2)["outcome"].item() == 2


def test_a_replicate_of_which_nothing_is_there_is_left_out():
    of = grid(part())
    cells = dict(of.cells())
    blocks = [b for b in stored(of, of.part) if cells[b.cell].replicate.draw != 1]
    surface = assemble(of, blocks, _keyed(of.part))
    assert surface.replicate.values.tolist() == ["0-0-0", "2-2-2"]
    assert surface.draw.values.tolist() == [0, 2]
    xr.testing.assert_identical(
        surface.drop_attrs(deep=False), _joined(of).isel(replicate=[0, 2]).drop_attrs(deep=False)
    )


def test_what_else_is_missing_is_nan():
    of = grid(part(sizes=[1, 2, 5]))
    cells = dict(of.cells())
    few = part(sizes=[1, 2])
    blocks = [b for b in stored(of, few) if (cells[b.cell].samples, cells[b.cell].replicate.draw) != (20, 0)]
    surface = assemble(of, blocks, _keyed(few))
    assert surface.sizes == {"size": 3, "time": 1, "samples": 2, "replicate": 3}
    is_there = np.ones((3, 1, 2, 3), dtype=bool)
    is_there[2], is_there[:, :, 1, 0] = False, False
    complete = _joined(of)
    for name in ("test_loss", "outcome"):
        np.testing.assert_array_equal(surface[name].values, np.where(is_there, complete[name].values, np.nan))
    assert surface["outcome"].dtype == np.float32
    np.testing.assert_array_equal(surface["parameters"].values, [7.0, 14.0, np.nan])
    assert np.isnan(surface["train_loss_constant"].values).tolist() == [[False] * 3, [True, False, False]]


def test_it_is_nan_as_in_the_join_of_measured_blocks():
    of = grid(part())
    measured = {
        10: block(of.part, samples=10, replicates=of.replicates),
        20: block(of.part, samples=20, replicates=of.replicates[:2]),
    }
    cells = dict(of.cells())
    blocks = [b for b in stored(of, of.part) if (cells[b.cell].samples, cells[b.cell].replicate.draw) != (20, 2)]
    surface = assemble(of, blocks, _keyed(of.part))
    expected = join(measured, of.replicates)
    xr.testing.assert_identical(surface.drop_attrs(deep=False), expected.drop_attrs(deep=False))
    assert surface["outcome"].dtype == expected["outcome"].dtype


@pytest.mark.parametrize("metrics", [["test_loss"], ["test_loss", "condition"], []], ids=["one", "one-unasked", "none"])
def test_only_some_metrics_are_read(metrics):
    of = grid(part())
    surface = assemble(of, stored(of, of.part), _keyed(of.part), metrics)
    xr.testing.assert_identical(
        surface,
        assemble(of, stored(of, of.part), _keyed(of.part)).drop_vars({"norm", "train_loss", "test_loss"} - {*metrics}),
    )


def test_one_curve_of_a_larger_run():
    of = grid(part(times=TIMES), noise=(0.0, 0.2))
    narrow = replace(of, sources=of.sources[1:], label_noise=(0.2,), samples=(20,))
    curve = assemble(narrow, stored(of, of.part), _keyed(of.part), ["test_loss"])
    whole = assemble(of, stored(of, of.part), _keyed(of.part))
    xr.testing.assert_identical(curve["test_loss"], whole["test_loss"].sel(label_noise=[0.2], samples=[20]))


def test_nothing_there_gets_a_sentence():
    of, other = grid(part()), grid(part(), samples=(30,))
    with pytest.raises(InvalidArgument, match="`blocks` holds nothing of this grid"):
        assemble(of, [], {})
    with pytest.raises(InvalidArgument, match="`blocks` holds nothing of this grid"):
        assemble(of, stored(other, other.part), _keyed(other.part))
    elsewhere = part(sizes=[4])
    with pytest.raises(InvalidArgument, match="`blocks` holds nothing of this grid"):
        assemble(of, stored(of, elsewhere), _keyed(elsewhere))


@pytest.mark.parametrize("kept", [0, 100], ids=["no payload", "half a payload"])
def test_a_damaged_block_is_left_out_and_counted(kept):
    of = grid(part())
    first, *others = stored(of, of.part)
    damaged = replace(first, payload=(first.payload or b"")[:kept] or None)
    surface = assemble(of, [damaged, *others], _keyed(of.part))
    assert surface.attrs.pop(DAMAGED) == 1
    xr.testing.assert_identical(surface, assemble(of, others, _keyed(of.part)))


def test_blocks_of_a_damaged_part_are_damaged():
    of = grid(part())
    with pytest.raises(InvalidArgument, match=r"`blocks` holds \d+ damaged blocks and nothing else of this grid"):
        assemble(of, stored(of, of.part), {of.part.key: None})
