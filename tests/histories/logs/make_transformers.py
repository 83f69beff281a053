"""Writes transformers/: the trainer_state.json and the prints of one small training. Needs transformers and torch.

Made with transformers (``versions.txt`` beside the files). No test runs this.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

import torch
import transformers
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

HERE = Path(__file__).parent / "transformers"


class Sentences(torch.utils.data.Dataset):
    def __init__(self, count: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.words = torch.randint(1, 50, (count, 8), generator=generator)

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"input_ids": self.words[index], "labels": (self.words[index, 0] > 25).long()}


def main() -> None:
    transformers.set_seed(0)
    config = BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    shutil.rmtree(HERE, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=10,
            per_device_train_batch_size=20,
            learning_rate=0.01,
            logging_steps=5,
            eval_strategy="epoch",
            save_strategy="epoch",
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
        )
        trainer = Trainer(
            model=BertForSequenceClassification(config),
            args=arguments,
            train_dataset=Sentences(200, 0),
            eval_dataset=Sentences(100, 1),
            compute_metrics=lambda p: {"accuracy": float((p.predictions.argmax(1) == p.label_ids).mean())},
        )
        HERE.mkdir()
        with (HERE / "prints.txt").open("w") as file, contextlib.redirect_stdout(file):
            trainer.train()
        trainer.save_state()
        for checkpoint in ("checkpoint-50", "checkpoint-100"):
            (HERE / "run" / checkpoint).mkdir(parents=True)
            shutil.copy(Path(folder) / checkpoint / "trainer_state.json", HERE / "run" / checkpoint)
        (HERE / "finished").mkdir()
        shutil.copy(Path(folder) / "trainer_state.json", HERE / "finished")
    (HERE / "versions.txt").write_text(f"transformers {transformers.__version__}\ntorch {torch.__version__}\n")


if __name__ == "__main__":
    main()
