import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benign.foundation.errors import BenignError
from benign.histories.readers import printed
from benign.histories.readers.opening import read_logs
from tests.histories.readers.shown import log_of_text, points, values

CASES = {
    "plain": (
        "epoch 1 train_loss 0.41 val_loss 0.52\nepoch 2 train_loss 0.40 val_loss nan\n",
        {"train_loss": [(1, 0.41), (2, 0.40)]},
    ),
    "nanoGPT": (
        ("step 0: train loss 4.25, val loss 4.5\niter 0: loss 4.125, time 203.21ms, mfu 1.2%\n"
        "iter 10: loss 4.0, time 3ms\nstep 250: train loss 2.125, val loss 2.25\n"),
        {"val loss": [(0, 4.5), (250, 2.25)], "loss": [(0, 4.125), (10, 4.0)]},
    ),
    "of how many": (
        "Epoch [1/10], Step [100/600], Loss: 0.5\nEpoch [1/10], Step [200/600], Loss: 0.25\n",
        {"Loss": [(100, 0.5), (200, 0.25)]},
    ),
    "samples before a colon": (
        ("Epoch 1: Train: loss 0.5 acc 0.8 | Val: loss 0.6 acc 70%\n"
        "Epoch 2: Train: loss 0.4 acc 0.8 | Val: loss 0.5 acc 71%\n"),
        {"train_loss": [(1, 0.5), (2, 0.4)], "val_acc": [(1, 0.7), (2, 0.71)]},
    ),
    "PyTorch's example": (
        ("Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.5\nTest set: Average loss: 0.05, Accuracy: 9814/10000 (98%)\n\n"
        "Train Epoch: 2 [640/60000 (1%)]\tLoss: 1.5\nTest set: Average loss: 0.04, Accuracy: 9900/10000 (99%)\n"),
        {"test_Average loss": [(1, 0.05), (2, 0.04)], "test_Accuracy": [(1, 0.9814), (2, 0.99)]},
    ),
    "PyTorch's quick start": (
        ("Epoch 1\n---\nloss: 2.5  [   64/60000]\nloss: 2.25  [ 6464/60000]\n"
        "Test Error: \n Accuracy: 44.5%, Avg loss: 2.125 \n"
        "Epoch 2\n---\nloss: 2.0  [   64/60000]\nloss: 1.75  [ 6464/60000]\n"
        "Test Error: \n Accuracy: 50.0%, Avg loss: 2.0 \n"),
        {"loss": [(0.5, 2.5), (1, 2.25), (1.5, 2), (2, 1.75)], "test_Avg loss": [(1, 2.125), (2, 2)]},
    ),
    "logging": (
        ("2024-01-01 10:00:00,123 INFO epoch=1 val/loss=tensor(0.5)\n"
        "2024-01-01 10:01:00,123 INFO epoch=2 val/loss=1e-3\n"),
        {"val/loss": [(1, 0.5), (2, 0.001)]},
    ),
    "old Keras": (
        ("Epoch 1/2\n60/60 [==============================] - 4s 60us/step - loss: 0.25 - val_loss: 0.5\n"
        "Epoch 2/2\n60/60 [==============================] - 4s 60us/step - loss: 0.125 - val_loss: 0.25\n"),
        {"loss": [(1, 0.25), (2, 0.125)], "val_loss": [(1, 0.5), (2, 0.25)]},
    ),
    "XGBoost": (
        "[0]\tvalidation_0-mlogloss:1.25\n[1]\tvalidation_0-mlogloss:1.5\n",
        {"validation_0-mlogloss": [(0, 1.25), (1, 1.5)]},
    ),
    "several lines an epoch": (
        ("Epoch: 01 | Epoch Time: 0m 14s\n\tTrain Loss: 0.5 | Train Acc: 50%\n\t Val. Loss: 0.75 |  Val. Acc: 25%\n"
        "Epoch: 02 | Epoch Time: 0m 14s\n\tTrain Loss: 0.25 | Train Acc: 75%\n\t Val. Loss: 0.5 |  Val. Acc: 50%\n"),
        {"Train Loss": [(1, 0.5), (2, 0.25)], "Val. Acc": [(1, 0.25), (2, 0.5)]},
    ),
    "no position": ("train_loss=0.5 val_loss=0.6\ntrain_loss=0.4 val_loss=0.5\n", {"val_loss": [(1, 0.6), (2, 0.5)]}),
    "redrawn": (
        "Epoch 1: loss=9\rEpoch 1: loss=3\nEpoch 2: loss=8\r\x1b[32mEpoch 2: loss=2\x1b[0m\n",
        {"loss": [(1, 3), (2, 2)]},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_lines_as_people_print_them(tmp_path, text, expected):
    log = log_of_text(tmp_path, text)
    assert log.format == "printed lines"
    read = points(log)
    assert {name: read[name] for name in expected} == expected


def test_lines_that_name_no_numbers_are_counted(tmp_path):
    log = log_of_text(tmp_path, "loading data\nepoch 1 loss 2\nsaved\nepoch 2 loss 1\nseed 42 it is\n")
    assert values(log) == {"loss": [2, 1]}
    assert "Left out: 2 lines that name no numbers." in log.notes


def test_numbers_named_once_are_no_curve(tmp_path):
    log = log_of_text(tmp_path, "batch size: 64\n" + "".join(f"epoch {n} loss {n}\n" for n in range(1, 5)))
    assert values(log) == {"loss": [1, 2, 3, 4]}
    assert log.notes == ("Numbers named but once were left out: 'batch size'.",)


PIECES = ["epoch", " ", "1", "loss", ":", "\n", "\r", "%", "[", "/"]
numbers = st.floats(0, 1e6).map(lambda number: float(f"{number:.4g}"))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=8), st.sampled_from(["=", ": ", " "]), st.data())
def test_what_is_printed_is_read_back(tmp_path_factory, pairs, between, data):
    apart = data.draw(st.sampled_from([", ", " | ", " - ", "\t"]))
    lines = [
        apart.join([f"epoch{between}{n}", f"train_loss{between}{train}", f"val_loss{between}{val}"])
        for n, (train, val) in enumerate(pairs)
    ]
    log = log_of_text(tmp_path_factory.mktemp("p"), "\n".join(lines) + "\n")
    assert points(log)["train_loss"] == [(n, train) for n, (train, _) in enumerate(pairs)]
    assert points(log)["val_loss"] == [(n, val) for n, (_, val) in enumerate(pairs)]


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(), st.binary(), st.lists(st.sampled_from(PIECES)).map("".join)))
def test_no_text_breaks_it(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("p") / "log"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    try:
        logs = read_logs(path)
    except BenignError as error:
        logs, said = (), [str(error)]
    else:
        said = [note for log in logs for note in log.notes]
    assert all(map(str.isprintable, said))
    assert all(len(column.positions) == len(column.values) for log in logs for column in log.columns)


def test_a_long_line_of_nearly_a_number_takes_no_time(tmp_path):
    (tmp_path / "log").write_text("loss " * 200_000 + "\n" + "epoch 1 loss 2\nepoch 2 loss 1\n" + "a" * 10**6 + "\n")
    (log,) = read_logs(tmp_path / "log")
    assert values(log) == {"loss": [2, 1]}


LINES = [
    "epoch {n} loss {x}", "epoch {n}/9 - loss: {x} - acc: {x}%", "step {n} loss {x} top5 {x}",
    "step {n} loss {x} top1 {x}", "val loss {x}", "loss={x}", "Val:", "Epoch {n}: Train: loss {x} | Val: loss {x}",
    "saved", "", "seed {n}",
    "acc {n}/60000 loss {x}", "10:00:{n} INFO step {n} loss {x}", "{n}%|## | {n}/9 [00:01<00:02, loss={x}]",
    "epoch {n}: loss={x}\repoch {n}: loss={x}", "\x1b[32mepoch {n}\x1b[0m loss {x}", "loss {x} tokens 1,{n}00,000",
]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(LINES), st.integers(1, 6), st.integers(10, 99), numbers), max_size=12))
def test_lines_of_one_kind_are_read_as_each_by_itself(drawn):
    text = "\n".join(line.format(n=n + i, x=x) for line, times, n, x in drawn for i in range(times))
    at_once = printed._Rows()
    at_once.read(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(printed, "_MOST_TEMPLATES", 0)  # nothing is remembered
        alone = printed._Rows()
        alone.read(text)
    one, other = at_once.table(), alone.table()
    assert at_once.unmatched == alone.unmatched
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert one.notes == other.notes
        assert _told(one) == _told(other)


def _told(table):
    """The values of each column, by name; the order in which names came is of no matter."""
    return {
        name: [value if there else None for value, there in zip(cells.values.tolist(), cells.present, strict=True)]
        for name, cells in zip(table.names, table.columns, strict=True)
    }


def test_what_is_remembered_is_used():
    rows = printed._Rows()
    rows.read("".join(f"epoch {n} loss {n / 7}\n" for n in range(10, 99)))
    assert any(isinstance(row, printed._Block) and len(row.numbers) > 50 for row in rows.rows)
