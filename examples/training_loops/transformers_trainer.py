"""A vision transformer by the Trainer of Hugging Face: a callback keeps the model after each epoch of one training.

python examples/training_loops/transformers_trainer.py
"""
# needs: torch==2.13.0 transformers[torch]==5.24.0

from __future__ import annotations

import copy
import tempfile

import torch
from transformers import Trainer, TrainerCallback, TrainingArguments, ViTConfig, ViTForImageClassification, set_seed

import benign


class Keep(TrainerCallback):
    """Keeps the model as it is after each epoch."""

    def on_epoch_end(self, *_, model, **__):
        """Called by the Trainer."""
        self.kept = [*getattr(self, "kept", []), copy.deepcopy(model).eval()]


def fit(split, size, seed):
    """Train on the split to the end, then give, for each epoch, the function that predicted then."""
    set_seed(seed)
    of = {"image_size": 8, "patch_size": 2, "num_channels": 1, "num_labels": 10, "intermediate_size": 2 * size}
    config = ViTConfig(hidden_size=size, num_hidden_layers=1, num_attention_heads=2, **of)
    images, labels = torch.tensor(split.train_inputs).float(), torch.tensor(split.train_labels)
    data = [{"pixel_values": image, "labels": label} for image, label in zip(images, labels, strict=True)]
    keep, quiet = Keep(), {"save_strategy": "no", "logging_strategy": "no", "report_to": [], "disable_tqdm": True}
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(folder, learning_rate=0.01, num_train_epochs=30, use_cpu=True, seed=seed, **quiet)
        Trainer(ViTForImageClassification(config), arguments, train_dataset=data, callbacks=[keep]).train()
    for epoch, model in enumerate(keep.kept, start=1):
        yield epoch, lambda images, model=model: model(torch.tensor(images).float()).logits.detach()


width = benign.from_training_loop(fit, size_name="width", outputs="logits")

if __name__ == "__main__":
    digits = benign.sources.digits(label_noise=0.1)
    surface = benign.measure(width, digits, samples=[150], sizes=[4, 32], times=[1, 3, 10, 30], replicates=2, workers=1)
    print(surface.to_pandas().pivot_table("test_loss", "time", "size").round(3))
