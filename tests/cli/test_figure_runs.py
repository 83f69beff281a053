"""Figures in `benign plan`, `benign runs` and `benign resume`: nobody's Python is needed to go on with one."""

import json
import shlex
import shutil
from dataclasses import replace

import pytest
import xarray as xr
from typer.testing import CliRunner

import benign
from benign.cli.main import app
from benign.experiments import executors, jobs
from benign.experiments.executors.here import Here
from benign.experiments.states import State
from benign.experiments.store import Store
from benign.experiments.trust import marked
from benign.figures import Edition, runs_of

NAME = "belkin2019_fourier"
EDITION = Edition(figure=NAME, scale="smoke", seed=3)


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def store(tmp_path):
    return tmp_path / "runs.db"


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """A store with a figure that was stopped after two jobs."""
    store = tmp_path_factory.mktemp("left") / "runs.db"

    def interrupt(task, done, total):
        del task, total
        if done >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        benign.figure(NAME, scale="smoke", seed=3, executor="here", store=store, progress=interrupt)
    return store


@pytest.fixture
def interrupted(left, store):
    """The run that is left, in a store of its own."""
    shutil.copy(left, store)
    (run,) = benign.list_runs(store)
    assert run.standing == "2 of 6 blocks are done"
    return run


@pytest.fixture
def here(monkeypatch):
    """Jobs are timed in this process, which needs no start."""
    monkeypatch.setattr(executors, "Processes", lambda _: Here())


def test_what_a_figure_left_is_gone_on_with(interrupted, store):
    assert f"unfinished  2 / 6   {interrupted.seconds:.1f} s" in call("runs", "--store", store).stdout
    done = call("resume", interrupted.id, "--store", store, "--executor", "here")
    assert done.exit_code == 0, done.output
    assert "2 of 6 jobs are there" in done.stderr
    assert "done; 6 of 6 blocks are done" in done.stdout
    command = shlex.join(["benign", "figure", NAME, "--scale", "smoke", "--seed", "3", "--store", str(store)])
    assert done.stdout.splitlines()[-1] == f"Look at its figure: {command}"


def test_the_figure_takes_what_was_resumed_and_measures_nothing_twice(interrupted, store, monkeypatch):
    run = interrupted.resume(executor="here")
    whole = benign.figure(NAME, scale="smoke", seed=3, executor="here", store=store)
    assert run.refreshed().seconds == run.seconds
    assert whole.surfaces["clean"].dataset.equals(run.surface.dataset)
    assert {one.id for one in benign.list_runs(store)} >= {run.id}
    assert len(benign.list_runs(store)) == len(runs_of(EDITION))

    def refuse(shared, job):
        raise AssertionError("a block that is in the store was measured again")

    monkeypatch.setattr(jobs, "measure_job", refuse)
    again = benign.figure(NAME, scale="smoke", seed=3, executor="here", store=store)
    assert list(again.surfaces) == list(whole.surfaces)
    for name, surface in whole.surfaces.items():
        xr.testing.assert_identical(again.surfaces[name].dataset.drop_attrs(), surface.dataset.drop_attrs())
    assert again.to_dict() == whole.to_dict()


@pytest.mark.usefixtures("here")
def test_a_run_of_before_knows_its_figure_once_that_is_asked_for_again(interrupted, store):
    """Stores of 0.4 keep no declaration of it: it answers as then, until it is entered anew."""
    with Store.open(store) as opened:
        opened.delete_run(interrupted.id)
        opened.add_run(replace(interrupted.record, declaration=None, mark=None), [], {})
    refused = call("resume", interrupted.id, "--store", store)
    assert refused.exit_code == 2
    assert "run the script that measured it again" in refused.stderr
    benign.plan(runs_of(EDITION)[0], store=store, sample_seconds=0.01)
    assert benign.open_run(interrupted.id, store).resume(executor="here").state == "done"


def test_a_figures_run_of_somebody_else_is_asked_about(interrupted, store):
    with Store.open(store) as opened:
        opened.delete_run(interrupted.id)
        opened.add_run(replace(interrupted.record, mark=None), [], {})
    refused = call("resume", interrupted.id, "--store", store)
    assert refused.exit_code == 2
    assert "computes, with what comes with benign alone. To trust it, add --trust" in refused.stderr


@pytest.mark.parametrize(
    ("declaration", "sentence"),
    [
        ({"figure": "belkin2018_fourier"}, "unknown figure 'belkin2018_fourier'; did you mean 'belkin2019_fourier'"),
        ({"scale": "quik"}, "unknown scale 'quik'; did you mean 'quick'"),
        ({"seed": -1}, "seed: must be an integer from 0"),
        ({"scale": "quick"}, "has changed since it was started"),
        ({"seed": 4}, "`benign figure belkin2019_fourier --scale smoke --seed 4 --store"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(*value.items()),
)
def test_a_declaration_that_leads_nowhere_is_one_sentence(interrupted, store, declaration, sentence):
    text = json.dumps({"figure": NAME, "scale": "smoke", "seed": 3} | declaration)
    with Store.open(store) as opened:
        opened.delete_run(interrupted.id)
        opened.add_run(marked(replace(interrupted.record, declaration=text, mark=None), None), [], {})
    assert call("runs", "--store", store).exit_code == 0
    done = call("resume", interrupted.id, "--store", store)
    assert done.exit_code == 2, done.output
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_plan_says_what_a_figure_will_cost(store):
    done = call("plan", NAME, "--scale", "smoke", "--seed", 3, "--store", store, "--workers", 2)
    assert done.exit_code == 0, done.output
    first, *timed, cost, kept = done.stdout.splitlines()
    planned = runs_of(EDITION)
    left = sum(run.counts[State.PLANNED] for run in benign.list_runs(store))
    assert first == f"{NAME} smoke: {left} of {6 * len(planned)} jobs are left"
    names = [line.removeprefix("  timed: ").partition(", n = 40: ")[0] for line in timed]
    assert [f"{EDITION}, {name}" for name in names] == [one.name for one in planned]
    assert cost.startswith("With 2 workers: about ")
    assert kept.startswith(f"Kept in {store}; ")


@pytest.mark.usefixtures("here")
def test_plan_of_a_figure_counts_what_is_there(store):
    clean, *_ = runs_of(EDITION)
    benign.run(clean, store=store, executor="here")
    done = call("plan", NAME, "--scale", "smoke", "--seed", 3, "--store", store, "--json", "--sample-seconds", 0.01)
    told = json.loads(done.stdout)
    assert (told["figure"], told["scale"], told["seed"]) == (NAME, "smoke", 3)
    assert told["parts"][0]["left"] == 0
    for key in ("jobs", "left", "seconds", "sampled_seconds"):
        assert told[key] == pytest.approx(sum(part[key] for part in told["parts"]))
    assert told["peak_bytes"] == max(part["peak_bytes"] for part in told["parts"])
    assert told["interval"][0] <= told["seconds"] <= told["interval"][1]


@pytest.mark.usefixtures("here")
def test_a_figure_of_printed_numbers_has_no_jobs(store):
    told = call("plan", "nakkiran2020_resnet18", "--store", store)
    assert told.stdout == "nakkiran2020_resnet18 quick has no jobs: what it shows is made anew each time\n"
    assert json.loads(call("plan", "nakkiran2020_resnet18", "--store", store, "--json").stdout)["jobs"] == 0


@pytest.mark.usefixtures("here")
def test_a_file_of_a_figures_name_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = 'name = "mine"\nsource = "mml"\nprocedure = "polynomial"\nsamples = 5\nsizes = [1]\nreplicates = 1\n'
    (tmp_path / NAME).write_text(text, "utf-8")
    done = call("plan", NAME, "--store", tmp_path / "runs.db")
    assert done.stdout.startswith("mine-"), done.output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["belkin2018_fourier"], "there is no file 'belkin2018_fourier', and no figure of that name; did you mean"),
        (["nowhere.toml"], "there is no file 'nowhere.toml', and no figure of that name"),
        ([NAME, "replicates=3"], "`KEY=VALUE` is for files"),
        ([NAME, "--scale", "quik"], "did you mean 'quick'"),
        ([NAME, "--seed", "-1"], "seed: must be an integer from 0"),
        ([NAME, "--scale", "smoke", "--sample-seconds", "0"], "`sample_seconds` must be a positive number"),
        (["{file}", "--scale", "smoke"], "are for figures"),
        (["{file}", "--seed", "0"], "are for figures"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_cannot_be_planned_is_one_sentence(tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "some.toml"
    file.write_text('source = "mml"\nprocedure = "polynomial"\nsamples = 5\n', "utf-8")
    store = tmp_path / "runs.db"
    done = call("plan", *[argument.format(file=file) for argument in arguments], "--store", store)
    assert done.exit_code == 2, done.output
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.usefixtures("here")
def test_several_experiments_are_planned_in_python(store):
    whole = benign.plan(runs_of(EDITION)[:2], store=store, workers=1, sample_seconds=0.01)
    assert [part.run for part in whole.parts] == whole.run.split(", ")
    assert whole.jobs == 12
    assert whole.seconds == pytest.approx(sum(part.seconds or 0.0 for part in whole.parts))
    assert (benign.plan([], store=store).jobs, benign.plan([], store=store).seconds) == (0, 0.0)


@pytest.mark.usefixtures("here")
def test_the_smallest_n_is_timed_however_short_the_time(store):
    (part,) = benign.plan(runs_of(EDITION)[:1], store=store, sample_seconds=1e-9).parts
    assert part.seconds is not None
    assert [sample.samples for sample in part.sampled] == [40]
