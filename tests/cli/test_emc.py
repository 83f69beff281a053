"""``benign emc``: a paragraph, a table and a picture of the user's own model, or one sentence."""

import json
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

MODULE = """
import benign
features = benign.RandomFourier(bandwidth=2.0)
number = 3
"""


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    inputs = random.standard_normal((400, 3))
    labels = np.where(inputs[:, 0] * inputs[:, 1] + 0.5 * random.standard_normal(400) > 0, "yes", "no")
    columns = {f"x{i}": inputs[:, i] for i in range(3)} | {"label": labels}
    pq.write_table(pa.table(columns), tmp_path / "train.parquet")
    (tmp_path / "my_model.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "broken.py").write_text("raise RuntimeError('no such card')", encoding="utf-8")
    return tmp_path


def _emc(folder, *arguments):
    command = [sys.executable, "-m", "benign", "emc", *arguments, "--data", "train.parquet", "--target", "label"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_paragraph_a_table_and_a_picture(folder):
    done = _emc(folder, "my_model:features", "--size", "20", "--max-trainings", "40", "--out", "picture")
    assert done.returncode == 0, done.stderr
    assert "samples (95 % interval" in done.stdout
    assert "over-parameterised" not in done.stdout.split("EMC / n")[1].split(";")[1][:17]  # 20 features, 320 samples
    assert "under-parameterised" in done.stdout
    assert "training risk" in done.stdout
    assert (folder / "picture" / "emc.png").is_file()


def test_json_alone(folder):
    done = _emc(folder, "my_model:features", "--size", "20", "--max-trainings", "40", "--samples", "20", "--json")
    answer = json.loads(done.stdout)
    assert 15 <= answer["value"] <= 25
    assert answer["regime"] in ("critical", "undecided")
    assert answer["samples"] == 20
    assert len(answer["evidence"]) >= 3


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("my_model", "`MODULE:PROCEDURE` must name both"),
        ("broken:features", "importing 'broken', which runs its code, failed: RuntimeError: no such card"),
        ("my_model:feature", "unknown name in the module 'my_model' 'feature'; did you mean 'features'"),
        ("my_model:number", "is a int, no procedure; make one with benign.from_estimator"),
    ],
)
def test_what_cannot_be_used_gets_a_sentence(folder, target, sentence):
    done = _emc(folder, target, "--size", "20")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
