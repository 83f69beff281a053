"""Checkpoints: what was interrupted goes on bit for bit, what is damaged or foreign is refused with a sentence."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.networks.extra import HAS_JAX, needs_networks

if not HAS_JAX:
    needs_networks()

from benign.foundation.errors import OutputFailed
from benign.foundation.output import write_whole
from benign.networks import CheckpointUnusable, Member, PredictionRecorder, RiskRecorder, train_population
from benign.networks import checkpoints as checkpoints_module
from benign.networks.checkpoints import Checkpoint, Snapshot
from benign.networks.fingerprints import recorder_name
from benign.procedures.network_training import Request, resumed
from tests.networks.cases import (
    FAMILY,
    Interrupted,
    Parameters,
    StopAt,
    classification,
    flat,
    same_bits,
    settings,
    two_steps_a_call,
)

ROOT = Path(__file__).parents[2]
TRAINING = settings(optimizer="momentum", average=0.9)
# Twelve steps, two a call: seven calls of the progress listener for each program, recordings cut one of them.
TIMES = (0, 1, 4)


def members():
    """Two programs: widths 5 and 7 fill up to 8, width 9 to 12."""
    return [Member(width=width, split=classification(i)) for width in (5, 7, 9) for i in range(2)]


def train(checkpoint=None, **changed):
    arguments: dict[str, Any] = {
        "training": TRAINING, "members": members(), "times": TIMES, "recorder": Parameters8(), "averaged": True
    } | changed  # fmt: skip
    return train_population(FAMILY, **arguments, checkpoint=checkpoint)


class Parameters8(Parameters):
    """The first eight numbers of the network: as many in each program."""

    def __call__(self, network, data):
        return {name: values[:8] for name, values in super().__call__(network, data).items()}


@pytest.fixture(scope="module")
def whole():
    """The training that nothing interrupts."""
    return train()


def equal(one, other):
    return same_bits(one.recordings, other.recordings) and all(
        np.array_equal(flat(a), flat(b)) for a, b in zip(one.networks, other.networks, strict=True)
    )


def test_a_checkpoint_of_an_uninterrupted_training_leaves_nothing(whole, tmp_path, monkeypatch):
    two_steps_a_call(monkeypatch)
    assert equal(train(tmp_path / "new folder" / "kept"), whole)
    assert list((tmp_path / "new folder").iterdir()) == []


# The first call is told before anything is written; the eighth is the second program's first.
@pytest.mark.parametrize("call", [1, 2, 3, 7, 8, 9, 14])
def test_an_interrupted_training_goes_on_bit_for_bit(call, whole, tmp_path, monkeypatch):
    two_steps_a_call(monkeypatch)
    with pytest.raises(Interrupted):
        train(tmp_path / "kept", progress=StopAt(call))
    assert len(list(tmp_path.glob("*.json"))) == (0 if call == 1 else 1 if call <= 8 else 2)
    told = []
    resumed = train(tmp_path / "kept", progress=lambda _, done, total: told.append(done / total))
    assert equal(resumed, whole)
    assert list(tmp_path.iterdir()) == []
    # What was done is not done again: of 14 calls those from the last checkpoint on are left.
    assert len(told) == 14 - (call - 1)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


def test_a_training_interrupted_twice_goes_on_bit_for_bit(whole, tmp_path, monkeypatch):
    two_steps_a_call(monkeypatch)
    for _ in range(2):
        with pytest.raises(Interrupted):
            train(tmp_path / "kept", progress=StopAt(4))
    assert equal(train(tmp_path / "kept"), whole)


def test_a_killed_process_leaves_a_checkpoint_that_goes_on_bit_for_bit(whole, tmp_path):
    script = f"""
import os, signal
import pytest
from tests.networks.cases import two_steps_a_call
from tests.networks.test_checkpoints import train

class Kill:
    left = 5
    def __call__(self, task, done, total):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

with pytest.MonkeyPatch.context() as patch:
    two_steps_a_call(patch)
    train({str(tmp_path / "kept")!r}, progress=Kill())
"""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    facts = json.loads((tmp_path / "kept-0-0.json").read_text(encoding="utf-8"))
    assert facts["step"] == 7
    assert equal(train(tmp_path / "kept"), whole)
    assert list(tmp_path.iterdir()) == []


def test_only_the_last_checkpoint_is_kept(tmp_path, monkeypatch):
    two_steps_a_call(monkeypatch)
    with pytest.raises(Interrupted):
        train(tmp_path / "kept", progress=StopAt(6))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 2
    digest = json.loads((tmp_path / "kept-0-0.json").read_text(encoding="utf-8"))["sha256"]
    assert names == [f"kept-0-0.{digest[:16]}.safetensors", "kept-0-0.json"]


def test_a_checkpoint_is_due_when_its_seconds_have_passed(tmp_path, monkeypatch):
    checkpoint = Checkpoint(path=tmp_path / "kept", configuration=dict, seconds=60.0)
    began, passed = time.monotonic(), [50.0]
    monkeypatch.setattr(time, "monotonic", lambda: began + passed[0])
    assert not checkpoint.is_due
    passed[0] = 61.0
    assert checkpoint.is_due
    checkpoint.write(SNAPSHOT)
    assert not checkpoint.is_due


CHANGES = {
    "learning rate": {"training": replace(TRAINING, learning_rate=0.02)},
    "optimiser": {"training": replace(TRAINING, optimizer="sgd")},
    "times": {"times": (0, 1, 3)},
    "recorder": {"recorder": RiskRecorder(loss="squared", metrics=frozenset())},
    "averages": {"averaged": False},
}


@pytest.fixture
def interrupted(tmp_path, monkeypatch):
    """Path of a checkpoint that was left behind."""
    two_steps_a_call(monkeypatch)
    with pytest.raises(Interrupted):
        train(tmp_path / "kept", progress=StopAt(3))
    return tmp_path / "kept"


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES.keys())
def test_a_checkpoint_of_another_training_is_refused(changed, interrupted):
    with pytest.raises(CheckpointUnusable, match=r"kept-0-0\.json belongs to another training; delete it or name"):
        train(interrupted, **changed)
    assert (interrupted.parent / "kept-0-0.json").exists()


OTHER_MEMBERS = {
    "width": lambda all_: [replace(all_[0], width=6), *all_[1:]],
    "learning rate": lambda all_: [replace(all_[0], learning_rate=0.5), *all_[1:]],
    "order": lambda all_: [all_[1], all_[0], *all_[2:]],
    "fewer": lambda all_: all_[1:],
    "data": lambda all_: [replace(all_[0], split=noisier(all_[0].split)), *all_[1:]],
    "replicate": lambda all_: [replace(all_[0], split=elsewhere(all_[0].split)), *all_[1:]],
    "initial weights": lambda all_: [
        replace(all_[0], start=FAMILY.build(5, inputs=6, outputs=3, random=new())),
        *all_[1:],
    ],
}


def new():
    return np.random.default_rng(0)


def noisier(split):
    return replace(split, test_targets_noisy=split.test_targets_noisy[:, ::-1])


def elsewhere(split):
    return replace(split, replicate=replace(split.replicate, noise=7))


@pytest.mark.parametrize("change", OTHER_MEMBERS.values(), ids=OTHER_MEMBERS.keys())
def test_a_checkpoint_of_other_members_is_refused(change, interrupted):
    with pytest.raises(CheckpointUnusable, match="belongs to another training"):
        train(interrupted, members=change(members()))


def test_recorders_are_told_apart_by_their_settings_and_arrays():
    inputs = new().standard_normal((4, 6))
    names = [
        recorder_name(recorder)
        for recorder in (
            RiskRecorder(loss="squared", metrics=frozenset({"norm", "test_loss"})),
            RiskRecorder(loss="squared", metrics=frozenset({"norm"})),
            RiskRecorder(loss="cross-entropy", metrics=frozenset({"norm"})),
            PredictionRecorder(inputs=inputs),
            PredictionRecorder(inputs=inputs + 1e-9),
        )
    ]
    assert len(set(names)) == 5
    assert recorder_name(PredictionRecorder(inputs=inputs.copy())) == names[3]


SNAPSHOT = Snapshot(
    step=4,
    recorded=2,
    state=[np.arange(6.0).reshape(2, 3), np.array([1, 2], dtype=np.int32)],
    recordings={"train_loss": np.array([[1.5, np.nan], [0.1, 2.0]], dtype=np.float32)},
)
LATER = replace(SNAPSHOT, step=6, state=[SNAPSHOT.state[0] + 1, SNAPSHOT.state[1]])


@pytest.fixture
def written(tmp_path):
    """A checkpoint on disk."""
    checkpoint = Checkpoint(path=tmp_path / "kept", configuration=lambda: {"width": 3, "rates": (0.1, None)})
    assert checkpoint.read() is None
    checkpoint.write(SNAPSHOT)
    return checkpoint


def arrays_of(checkpoint):
    (arrays,) = checkpoint.path.parent.glob("kept.*.safetensors")
    return arrays


def test_a_snapshot_comes_back_as_it_was(written):
    read = written.read()
    assert (read.step, read.recorded) == (4, 2)
    for kept, leaf in zip(read.state, SNAPSHOT.state, strict=True):
        assert kept.dtype == leaf.dtype
        assert np.array_equal(kept, leaf)
    assert same_bits(dict(read.recordings), dict(SNAPSHOT.recordings))


def test_a_kill_between_the_two_writes_leaves_the_older_one(written, monkeypatch):
    def killed_before_the_facts(path, write):
        if path.suffix == ".json":
            raise Interrupted
        return write_whole(path, write)

    monkeypatch.setattr(checkpoints_module, "write_whole", killed_before_the_facts)
    with pytest.raises(Interrupted):
        written.write(LATER)
    monkeypatch.undo()
    assert len(list(written.path.parent.iterdir())) == 3
    assert written.read().step == 4
    assert np.array_equal(written.read().state[0], SNAPSHOT.state[0])
    written.write(replace(LATER, step=8, state=SNAPSHOT.state[1:]))
    assert written.read().step == 8
    written.remove()
    assert list(written.path.parent.iterdir()) == []


def test_removal_leaves_the_files_of_others(written):
    others = [written.path.with_name(name) for name in ("kept-1.json", "kept.mine.safetensors", "kept.json.txt")]
    for other in others:
        other.write_text("mine", encoding="utf-8")
    neighbour = Checkpoint(path=written.path.with_name("kept.0"), configuration=dict)
    neighbour.write(SNAPSHOT)
    written.remove()
    assert all(other.exists() for other in others)
    assert neighbour.read() is not None
    assert written.read() is None


def test_a_folder_that_cannot_be_written_gets_a_sentence(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputFailed, match="cannot be written"):
        Checkpoint(path=tmp_path / "file" / "kept", configuration=dict).write(SNAPSHOT)


def truncated_facts(checkpoint):
    facts = checkpoint.path.with_name("kept.json")
    facts.write_bytes(facts.read_bytes()[:-20])


def with_fact(name, value):
    def change(checkpoint):
        path = checkpoint.path.with_name("kept.json")
        facts = json.loads(path.read_text(encoding="utf-8"))
        if value is None:
            del facts[name]
        else:
            facts[name] = value
        path.write_text(json.dumps(facts), encoding="utf-8")

    return change


def text_instead(text):
    return lambda checkpoint: checkpoint.path.with_name("kept.json").write_bytes(text)


def truncated_arrays(checkpoint):
    arrays = arrays_of(checkpoint)
    arrays.write_bytes(arrays.read_bytes()[:-1])


def tampered_arrays(checkpoint):
    arrays = arrays_of(checkpoint)
    content = bytearray(arrays.read_bytes())
    content[-1] ^= 1
    arrays.write_bytes(content)


def other_thing(make):
    """Something else in place of the facts."""

    def change(checkpoint):
        place = checkpoint.path.with_name("kept.json")
        place.unlink()
        make(place)

    return change


DAMAGE = {
    "facts truncated": (truncated_facts, r"kept\.json is damaged \(JSONDecodeError in its facts\); delete it to start"),
    "facts empty": (text_instead(b""), r"kept\.json is damaged"),
    "facts no object": (text_instead(b"[1, 2]"), r"kept\.json is damaged"),
    "facts null": (text_instead(b"null"), r"kept\.json is damaged"),
    "facts no text": (text_instead(b"\xff\xfe\x00"), r"kept\.json is damaged"),
    "facts nested": (text_instead(b"[" * 1_000_000), r"kept\.json is damaged \(RecursionError in its facts\)"),
    "facts a FIFO": (other_thing(os.mkfifo), r"kept\.json is damaged \(OSError in its facts\)"),
    "facts a folder": (other_thing(Path.mkdir), r"kept\.json is damaged \(OSError in its facts\)"),
    "facts a link": (other_thing(lambda path: path.symlink_to("/dev/zero")), r"kept\.json is damaged"),
    "facts huge": (lambda checkpoint: os.truncate(checkpoint.path.with_name("kept.json"), 2**40), r"is damaged"),
    "digest a path": (with_fact("sha256", "../../../../etc/passwd"), r"kept\.json is damaged \(a fact of another"),
    "step negative": (with_fact("step", -1), r"kept\.json is damaged \(a fact of another type\)"),
    "recorded true": (with_fact("recorded", True), r"kept\.json is damaged \(a fact of another type\)"),
    "no digest": (with_fact("sha256", None), r"kept\.json is damaged \(KeyError in its facts\)"),
    "step in words": (with_fact("step", "four"), r"kept\.json is damaged \(a fact of another type\)"),
    "another version": (with_fact("version", 99), r"kept\.json was written by another version; delete it\.$"),
    "another digest": (with_fact("sha256", "0" * 64), r"kept\.json is damaged \(.*No such file"),
    "arrays truncated": (truncated_arrays, r"damaged \(its arrays are not those that were written\); delete it"),
    "arrays tampered": (tampered_arrays, r"damaged \(its arrays are not those that were written\); delete it"),
    "arrays gone": (lambda checkpoint: arrays_of(checkpoint).unlink(), r"kept\.json is damaged \(.*No such file"),
}


@pytest.mark.parametrize(("damage", "sentence"), DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_checkpoint_gets_a_sentence(damage, sentence, written):
    damage(written)
    with pytest.raises(CheckpointUnusable, match=sentence) as caught:
        written.read()
    assert "\n" not in str(caught.value)


def with_header(**tensors):
    header = json.dumps(tensors).encode()
    return len(header).to_bytes(8, "little") + header


def tensor(shape, dtype="F32", offsets=(0, 0)):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


PREPARED = {
    "no safetensors": b"no safetensors",
    "a header without an end": b"\xff" * 64,
    "a huge shape": with_header(**{"state.0": tensor([2**40, 2**40])}),
    "a type that NumPy lacks": with_header(**{"state.0": tensor([0], "F8_E4M3")}),
    "a leaf that is missing": with_header(**{"state.1": tensor([0])}),
}


@pytest.mark.parametrize("content", PREPARED.values(), ids=PREPARED.keys())
def test_arrays_that_somebody_else_prepared_get_a_sentence(content, written):
    digest = hashlib.sha256(content).hexdigest()
    written.path.with_name(f"kept.{digest[:16]}.safetensors").write_bytes(content)
    with_fact("sha256", digest)(written)
    with pytest.raises(CheckpointUnusable, match=r"kept\.json is damaged \(.*; delete it to start anew\.$"):
        written.read()


NO_MOMENTS = {
    "fewer leaves": lambda one: replace(one, state=one.state[1:]),
    "another shape": lambda one: replace(one, state=[one.state[0][..., None], *one.state[1:]]),
    "another type": lambda one: replace(one, state=[one.state[0].astype(np.int8), *one.state[1:]]),
    "more recordings": lambda one: replace(one, recorded=10**30),
    "a step before its recordings": lambda one: replace(one, recorded=2, step=0),
    "a step after the next recording": lambda one: replace(one, step=10**30),
    "a recording too much": lambda one: replace(one, recordings={**one.recordings, "more": np.zeros(one.recorded)}),
    "no recordings": lambda one: replace(one, recordings={}),
}


@pytest.mark.parametrize("change", NO_MOMENTS.values(), ids=NO_MOMENTS.keys())
def test_a_checkpoint_that_is_no_moment_of_the_training_gets_a_sentence(change, interrupted, monkeypatch):
    read = Checkpoint.read
    monkeypatch.setattr(Checkpoint, "read", lambda self: change(read(self)))
    with pytest.raises(CheckpointUnusable, match=r"is damaged \(its arrays are not those of this training\)"):
        train(interrupted)


STRANGERS = {
    "a file": lambda path: path.write_text("mine", encoding="utf-8"),
    "an empty file": Path.touch,
    "a FIFO": os.mkfifo,
    "a link": lambda path: path.symlink_to("mine"),
    "a folder": Path.mkdir,
}


@pytest.mark.parametrize("make", STRANGERS.values(), ids=STRANGERS.keys())
def test_what_is_not_ours_is_never_replaced(make, written):
    facts = written.path.with_name("kept.json")
    facts.unlink()
    (facts.parent / "mine").write_text("mine", encoding="utf-8")
    make(facts)
    before = facts.lstat()
    with pytest.raises(OutputFailed, match=r"kept\.json was not written by benign and stays as it is"):
        written.write(LATER)
    written.remove()
    assert facts.lstat() == before
    assert (facts.parent / "mine").read_text(encoding="utf-8") == "mine"


def test_a_training_whose_place_somebody_else_took_starts_anew_without_a_checkpoint(whole, interrupted, monkeypatch):
    facts = interrupted.with_name("kept-0-0.json")
    facts.unlink()
    facts.write_text("[" * 100_000, encoding="utf-8")
    request = Request(
        splits=(), sizes=np.array([1]), times=np.array([0.0]), recorder=None, averaged=False, device=None,
        checkpoint=interrupted,
    )  # fmt: skip
    with pytest.warns(UserWarning, match=r"is damaged .* Training starts anew, without a checkpoint\.$"):
        trained = resumed(request, lambda request: train(request.checkpoint).recordings)
    assert same_bits(dict(trained), whole.recordings)
    assert facts.read_text(encoding="utf-8") == "[" * 100_000


def test_a_damaged_checkpoint_stops_the_training_with_its_sentence(interrupted):
    facts = interrupted.with_name("kept-0-0.json")
    facts.write_bytes(facts.read_bytes()[:50])
    with pytest.raises(CheckpointUnusable, match="damaged"):
        train(interrupted)


def test_training_goes_on_where_a_checkpoint_cannot_be_written(whole, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    two_steps_a_call(monkeypatch)
    with pytest.warns(UserWarning, match="Training goes on without a checkpoint"):
        assert equal(train(tmp_path / "file" / "kept"), whole)
