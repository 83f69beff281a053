"""TorchRecorder, in a real loop: what it writes is what one would compute, and the training is as without it."""

from __future__ import annotations

import importlib.util
import json
import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import benign
from benign.foundation.errors import InvalidArgument, MissingExtra
from benign.histories import TorchRecorder
from tests.optional import needs

needs("torch", importlib.util.find_spec("torch") is not None, "PyTorch is not installed")

import torch  # noqa: E402
from torch.nn import functional  # noqa: E402
from torch.utils.data import DataLoader, Dataset, TensorDataset  # noqa: E402

from benign.histories.recorders.recording import DECAY  # noqa: E402
from benign.histories.recorders.torch_task import task_of  # noqa: E402

triage: Any = benign.triage


def samples(count, seed):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, 6, generator=generator)
    return inputs, (inputs[:, 0] + inputs[:, 1] ** 2 > 1).long()


TRAIN, VALIDATION = samples(120, 0), samples(300, 1)


def network(outputs=3):
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(6, 8),
        torch.nn.BatchNorm1d(8),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.2),
        torch.nn.Linear(8, outputs),
    )


def train(model, recorder=None, *, epochs=4, keep=None):
    """A loop as users write it; what it ends with."""
    torch.manual_seed(1)
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - the user's
    model.train()
    model[1].eval()  # somebody froze the running statistics
    model[1].train()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    for _ in range(epochs):
        for rows in torch.randperm(120).split(20):
            optimizer.zero_grad()
            functional.cross_entropy(model(TRAIN[0][rows]), TRAIN[1][rows]).backward()
            optimizer.step()
            if keep is not None:
                keep.append([part.detach().clone() for part in model.state_dict().values()])
            if recorder is not None:
                recorder.step()
        if recorder is not None:
            recorder.epoch()
    gradients = [parameter.grad for parameter in model.parameters()]
    momenta = [state["momentum_buffer"] for state in optimizer.state.values()]
    drawn = [torch.rand(3), torch.tensor([random.random(), np.random.random()])]  # noqa: NPY002
    return [*model.state_dict().values(), *gradients, *momenta, *drawn]


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()[1:]]


def head(path):
    return json.loads(path.read_text().splitlines()[0])


def test_the_training_is_bit_for_bit_the_one_without(tmp_path, unchecked):  # checks of annotations draw numbers
    plain, watched = network(), network()
    expected = train(plain)
    recorder = TorchRecorder(watched, TRAIN, VALIDATION, tmp_path / "log", gradient_penalty=True)
    for one, other in zip(expected, train(watched, recorder), strict=True):
        assert torch.equal(one, other)
    assert len(rows(tmp_path / "log")) >= 6
    assert all(module.training for module in watched.modules())


def test_modes_and_buffers_come_back_even_where_evaluation_fails(tmp_path):
    model = network()
    recorder = TorchRecorder(model, TRAIN, VALIDATION, tmp_path / "log")
    model.train()
    model[3].eval()
    before = [part.clone() for part in model.state_dict().values()]

    def fail(*_):
        model[1].running_mean.zero_()
        raise KeyboardInterrupt

    handle = model[4].register_forward_pre_hook(fail)
    with pytest.raises(KeyboardInterrupt):
        recorder.step()
    handle.remove()
    assert [module.training for module in model] == [True, True, True, False, True]
    for one, other in zip(before, model.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_numbers_are_those_of_evaluation_mode_and_of_averaged_weights(tmp_path):
    model = network()
    states: list[Any] = []
    train(model, TorchRecorder(model, TRAIN, VALIDATION, tmp_path / "log"), keep=states)
    twin = network().eval()
    for row in rows(tmp_path / "log"):
        step = row["step"]
        weights = torch.tensor(DECAY) ** torch.arange(step - 1, -1, -1)
        weights /= weights.sum()
        kept = zip(*states[:step], strict=True)
        averages = [sum(w * part for w, part in zip(weights, parts, strict=True)) for parts in kept]
        for state, prefix, (inputs, labels) in (
            (states[step - 1], "train", TRAIN),
            (states[step - 1], "validation", VALIDATION),
            (averages, "averaged_validation", VALIDATION),
        ):
            twin.load_state_dict(dict(zip(twin.state_dict(), state, strict=True)))
            with torch.no_grad():
                outputs = twin(inputs)
            assert row[f"{prefix}_loss"] == pytest.approx(float(functional.cross_entropy(outputs, labels)), rel=1e-4)
            wrong = float((outputs.argmax(1) != labels).float().mean())
            assert row[f"{prefix}_error"] == pytest.approx(wrong, abs=0.0035)  # rounding may turn one sample


def test_the_first_line_says_what_triage_asks(tmp_path):
    model, path = network(), tmp_path / "log"
    train(model, TorchRecorder(model, TRAIN, VALIDATION, path, label_noise=0.25))
    said = head(path)
    assert (said["train_samples"], said["validation_samples"], said["classes"], said["label_noise"]) == (
        120,
        300,
        3,
        0.25,
    )
    assert said["loss"] == "cross-entropy"
    history = triage(path).history
    assert (history.validation_samples, history.classes, history.label_noise) == (300, 3, 0.25)


def test_large_sets_are_measured_in_part_and_that_is_said(tmp_path):
    model, path = network(), tmp_path / "log"
    recorder = TorchRecorder(model, samples(5_000, 0), samples(30_000, 1), path)
    recorder.step()
    assert (head(path)["train_samples"], head(path)["train_samples_measured"]) == (5_000, 1_000)
    assert head(path)["validation_samples"] == 2_000


def wrong_of(task, outputs, targets):
    found = task.wrong(outputs, targets)
    return None if found is None else found.reshape(-1).tolist()


class Squares(Dataset[Any]):
    """A data set that draws when it is read, as augmentation does."""

    def __len__(self):
        return 120

    def __getitem__(self, index):
        random.random()
        return TRAIN[0][index] + 0.0 * torch.rand(6), int(TRAIN[1][index])


@pytest.mark.parametrize(
    "given",
    [
        TRAIN,
        tuple(part.numpy() for part in TRAIN),
        [TRAIN[0].double(), TRAIN[1]],
        TensorDataset(*TRAIN),
        DataLoader(TensorDataset(*TRAIN), batch_size=7, shuffle=True),
        Squares(),
        DataLoader(Squares(), batch_size=7),
        [(inputs, label) for inputs, label in zip(*TRAIN, strict=True)],
        (pair for pair in zip(*TRAIN, strict=True)),
    ],
    ids=["tensors", "arrays", "doubles", "tensor set", "loader", "data set", "its loader", "list", "stream"],
)
def test_data_come_as_users_have_them(given, tmp_path, unchecked):
    torch.manual_seed(0)
    model, state = network(), random.getstate()
    drawn = torch.get_rng_state()
    TorchRecorder(model, given, TRAIN, tmp_path / "log").step()
    assert torch.equal(torch.get_rng_state(), drawn)
    assert random.getstate() == state
    (row,) = rows(tmp_path / "log")
    assert row["train_loss"] == pytest.approx(row["validation_loss"], rel=1e-6)


@pytest.mark.parametrize(
    ("outputs", "targets", "name", "classes", "wrong"),
    [
        (torch.tensor([[2.0, 0.0], [0.0, 2.0]]), torch.tensor([0, 0]), "cross-entropy", 2, [False, True]),
        (torch.tensor([[2.0], [1.0]]), torch.tensor([1, 0]), "binary cross-entropy of logits", 2, [False, True]),
        (torch.tensor([2.0, -1.0]), torch.tensor([1.0, 1.0]), "binary cross-entropy of logits", 2, [False, True]),
        (torch.tensor([2.0, -1.0]), torch.tensor([True, False]), "binary cross-entropy of logits", 2, [False, False]),
        (torch.tensor([[2.0, 0.0], [0.0, 2.0]]), torch.tensor([[1.0, 0.0]] * 2), "squared loss", 2, [False, True]),
        (torch.tensor([[2.0], [1.0]]), torch.tensor([2.5, -1.0]), "squared loss", None, None),
        (torch.zeros(2, 3, 4, 4), torch.ones(2, 4, 4).long(), "cross-entropy", 3, [True] * 32),
    ],
    ids=["classes", "binary", "floats", "truth values", "one-hot", "numbers", "pixels"],
)
def test_the_loss_is_found_by_the_targets(outputs, targets, name, classes, wrong):
    task = task_of(outputs, targets)
    assert (task.name, task.classes) == (name, classes)
    assert torch.isfinite(task.loss(outputs, targets))
    assert wrong_of(task, outputs, targets) == wrong


def test_targets_that_do_not_count_are_no_errors():
    outputs, targets = torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.0, 0.0]]), torch.tensor([0, -100, 1])
    task = task_of(outputs, targets)
    assert wrong_of(task, outputs, targets) == [False, True]
    assert float(task.loss(outputs, targets)) == pytest.approx(
        float(functional.cross_entropy(outputs[[0, 2]], targets[[0, 2]]))
    )


def test_a_loss_of_the_user_is_taken_a_sum_by_its_mean(tmp_path):
    for index, loss in enumerate((functional.cross_entropy, torch.nn.CrossEntropyLoss(reduction="sum"))):
        TorchRecorder(network(), TRAIN, VALIDATION, tmp_path / f"{index}", loss=loss).step()
    first, second = rows(tmp_path / "0")[0], rows(tmp_path / "1")[0]
    assert head(tmp_path / "1")["loss"] == "CrossEntropyLoss"
    assert first["validation_loss"] == pytest.approx(second["validation_loss"], rel=1e-6)


def test_probabilities_are_cut_at_a_half():
    task = task_of(torch.tensor([0.2, 0.7]), torch.tensor([0.0, 0.0]), torch.nn.BCELoss())
    assert wrong_of(task, torch.tensor([0.2, 0.7]), torch.tensor([0.0, 0.0])) == [False, True]


def test_the_gradient_penalty_is_that_of_the_full_batch(tmp_path):
    model = network()
    TorchRecorder(
        model, DataLoader(TensorDataset(*TRAIN), 7), VALIDATION, tmp_path / "log", gradient_penalty=True
    ).step()
    model.eval()
    slopes = torch.autograd.grad(functional.cross_entropy(model(TRAIN[0]), TRAIN[1]), list(model.parameters()))
    size = sum(slope.numel() for slope in slopes)
    expected = float(sum(slope.double().square().sum() for slope in slopes)) / size
    assert rows(tmp_path / "log")[0]["gradient_penalty"] == pytest.approx(expected, rel=1e-5)


def test_errors_of_relabelled_samples_are_their_own(tmp_path):
    mask, model = np.arange(120) % 4 == 0, network()
    TorchRecorder(model, TRAIN, VALIDATION, tmp_path / "log", relabelled=mask).step()
    with torch.no_grad():
        wrong = (model.eval()(TRAIN[0]).argmax(1) != TRAIN[1]).numpy()
    (row,) = rows(tmp_path / "log")
    found = [row["flipped_train_error"], row["kept_train_error"], row["train_error"]]
    assert found == pytest.approx([wrong[mask].mean(), wrong[~mask].mean(), wrong.mean()], rel=1e-6)
    assert head(tmp_path / "log")["label_noise"] == 0.25


class Language(torch.nn.Module):
    """As transformers' causal language models: what it foretells at a token is the next one."""

    def __init__(self):
        super().__init__()
        self.table = torch.nn.Parameter(torch.eye(5))

    def forward(self, input_ids, labels):
        logits = 9.0 * self.table[input_ids]  # the same token again
        loss = functional.cross_entropy(logits[:, :-1].transpose(1, 2), labels[:, 1:])
        return SimpleNamespace(logits=logits, loss=loss)


def test_models_that_make_their_own_loss_of_labels_are_asked_for_it(tmp_path):
    words = torch.tensor([[1, 1, 1, 2], [3, 3, 3, 3]])
    data = [{"input_ids": row, "labels": row} for row in words]
    model = type("LanguageForCausalLM", (Language,), {})()
    TorchRecorder(model, data, data, tmp_path / "log").step()
    (row,) = rows(tmp_path / "log")
    assert row["train_error"] == pytest.approx(1 / 6)
    assert row["train_loss"] == pytest.approx(float(model(words, words).loss.detach()), rel=1e-6)
    assert head(tmp_path / "log")["loss"] == "the model's own"


def test_the_learning_rate_is_the_optimisers(tmp_path):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    recorder = TorchRecorder(model, TRAIN, VALIDATION, tmp_path / "log", optimizer=optimizer)
    recorder.step()
    optimizer.param_groups[0]["lr"] = 0.25
    recorder.step()
    assert [row["learning_rate"] for row in rows(tmp_path / "log")] == [0.5, 0.25]


def test_what_wraps_a_model_is_left_alone(tmp_path):
    class Compiled(torch.nn.Module):
        def __init__(self, model):
            super().__init__()
            self._orig_mod = model

        def forward(self, inputs):
            raise AssertionError("compiled once more")

    TorchRecorder(Compiled(torch.nn.DataParallel(network())), TRAIN, VALIDATION, tmp_path / "log").step()
    assert len(rows(tmp_path / "log")) == 1


def test_weights_that_are_replaced_are_averaged_anew(tmp_path):
    model = network()
    recorder = TorchRecorder(model, TRAIN, VALIDATION, tmp_path / "log")
    recorder.step()
    model[4] = torch.nn.Linear(8, 3)
    recorder.step()
    with torch.no_grad():
        expected = float(functional.cross_entropy(model.eval()(VALIDATION[0]), VALIDATION[1]))
    assert rows(tmp_path / "log")[1]["averaged_validation_loss"] == pytest.approx(expected, rel=1e-6)


def test_a_checkpoint_counts_on(tmp_path):
    path, model = tmp_path / "log", network()
    with TorchRecorder(model, TRAIN, VALIDATION, path) as recorder:
        train(model, recorder, epochs=1)
        state = recorder.state_dict()
        train(model, recorder, epochs=1)
    with TorchRecorder(model, TRAIN, VALIDATION, path, resume=True) as recorder:
        recorder.load_state_dict(state)
        train(model, recorder, epochs=2)
    assert state == {"steps": 6, "epochs": 1}
    assert rows(path)[-1]["step"] == 18
    assert triage(path).history.times[-1] == 3


@pytest.mark.parametrize(
    ("train_set", "told"),
    [
        ((TRAIN[0], TRAIN[1][:5]), "Size mismatch between tensors"),
        (
            TensorDataset(TRAIN[0]),
            "must hold pairs of an input and a target, or dicts with `labels`; its samples are 1 parts",
        ),
        ([], "holds no samples"),
        (3, r"must be a pair \(inputs, targets\), a data set or a loader; got int 3"),
    ],
    ids=["lengths", "inputs only", "empty", "number"],
)
def test_data_that_cannot_be_read_get_a_sentence(train_set, told, tmp_path):
    with pytest.raises(InvalidArgument, match=told):
        TorchRecorder(network(), train_set, VALIDATION, tmp_path / "log").step()


def test_a_model_that_does_not_fit_gets_a_sentence(tmp_path, unchecked):
    with pytest.raises(InvalidArgument, match=r"`model` must be a torch.nn.Module, got str"):
        TorchRecorder("net", TRAIN, VALIDATION, tmp_path / "log")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="has no parameters"):
        TorchRecorder(torch.nn.Identity(), TRAIN, VALIDATION, tmp_path / "log")
    with pytest.raises(InvalidArgument, match="is sharded over processes"):
        TorchRecorder(
            type("FullyShardedDataParallel", (torch.nn.Linear,), {})(6, 3), TRAIN, VALIDATION, tmp_path / "log"
        )
    three = (TRAIN[0], torch.zeros(120, 3).long())
    with pytest.raises(
        InvalidArgument, match=r"do not fit the targets, of shapes \(120, 7\) and \(120, 3\): give the `loss`"
    ):
        TorchRecorder(network(7), three, VALIDATION, tmp_path / "log").step()


@pytest.mark.parametrize(("name", "package"), [("KerasRecorder", "keras"), ("TrainerRecorder", "transformers")])
def test_a_framework_that_is_missing_is_told(name, package, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(
        MissingExtra, match=f"{name} is a callback of {package}, which is not installed here; .*pip install {package}"
    ):
        getattr(benign.histories, name)(TRAIN, VALIDATION, tmp_path / "log")
