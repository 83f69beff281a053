"""Writes recorder_transformers/: the log of a small training that TrainerRecorder watches. Needs transformers, torch.

Made with transformers 5.24.0 on torch 2.13.0 (``versions.txt`` beside the files). No test runs this. It fails unless
the training is bit for bit the one without a recorder. ``classes.jsonl`` is of a classifier, ``tokens.jsonl`` of a
causal language model.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import torch
import transformers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    Trainer,
    TrainingArguments,
)

from benign.histories.recorders.hugging_face import TrainerRecorder

HERE = Path(__file__).parent / "recorder_transformers"


class Sentences(torch.utils.data.Dataset):
    def __init__(self, count: int, seed: int, *, of_tokens: bool) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.words = torch.randint(1, 50, (count, 8), generator=generator)
        self.words[:, 1::2] = self.words[:, ::2]  # every second word repeats the one before
        self.of_tokens = of_tokens

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, index: int) -> dict:
        words = self.words[index]
        labels = words if self.of_tokens else (words[0] > 25).long()
        return {"input_ids": words, "labels": labels, "text": f"sentence {index}"}


def model_of(*, of_tokens: bool):
    if of_tokens:
        return GPT2LMHeadModel(GPT2Config(vocab_size=50, n_positions=8, n_embd=16, n_layer=1, n_head=2))
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    return BertForSequenceClassification(BertConfig(vocab_size=50, **shape))


def trained(folder: str, recorders, *, of_tokens: bool, epochs: int = 12, resume: bool = False):
    transformers.set_seed(0)
    arguments = TrainingArguments(
        output_dir=folder,
        num_train_epochs=epochs,
        per_device_train_batch_size=20,
        learning_rate=0.01,
        logging_steps=50,
        save_strategy="epoch",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
    )
    model = model_of(of_tokens=of_tokens)
    train = Sentences(200, 0, of_tokens=of_tokens)
    trainer = Trainer(model=model, args=arguments, train_dataset=train, callbacks=recorders)
    trainer.train(resume_from_checkpoint=resume)
    return list(model.state_dict().values())


def main() -> None:
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    for of_tokens, name in ((False, "classes.jsonl"), (True, "tokens.jsonl")):
        sets = Sentences(200, 0, of_tokens=of_tokens), Sentences(100, 1, of_tokens=of_tokens)
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
            without = trained(other, [], of_tokens=of_tokens)
            recorder = TrainerRecorder(*sets, HERE / name)
            assert isinstance(recorder, transformers.TrainerCallback)
            watched = trained(folder, [recorder], of_tokens=of_tokens)
            for one, two in zip(without, watched, strict=True):
                assert torch.equal(one, two)
            again = TrainerRecorder(*sets, HERE / name)
            trained(folder, [again], of_tokens=of_tokens, epochs=16, resume=True)  # goes on with the log
    (HERE / "versions.txt").write_text(f"transformers {transformers.__version__}\ntorch {torch.__version__}\n")


if __name__ == "__main__":
    main()
