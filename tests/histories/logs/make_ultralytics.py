"""Writes ultralytics/: ``results.csv`` of a detector and of a classifier, each trained on a few drawn squares.

Needs ultralytics and opencv. Made with the versions in ``versions.txt`` beside the files. No test runs this.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from shutil import copyfile

import cv2
import numpy as np
import torch
import ultralytics

HERE = Path(__file__).parent / "ultralytics"
SETTINGS = {"imgsz": 32, "batch": 8, "device": "cpu", "workers": 0, "amp": False, "plots": False, "verbose": False}


def draw(folder: Path) -> None:
    """Images of one square each, as a detector and as a classifier want them."""
    generator = np.random.default_rng(0)
    for split in ("train", "val"):
        for number in range(16):
            image = generator.integers(0, 60, (32, 32, 3)).astype(np.uint8)
            kind, left, top = number % 2, *generator.integers(0, 16, 2)
            image[top : top + 14, left : left + 14, kind] = 250
            (folder / "boxes" / "images" / split).mkdir(parents=True, exist_ok=True)
            (folder / "boxes" / "labels" / split).mkdir(parents=True, exist_ok=True)
            (folder / "kinds" / split / f"{kind}").mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / "boxes" / "images" / split / f"{number}.png"), image)
            cv2.imwrite(str(folder / "kinds" / split / f"{kind}" / f"{number}.png"), image)
            label = f"{kind} {(left + 7) / 32} {(top + 7) / 32} {14 / 32} {14 / 32}\n"
            (folder / "boxes" / "labels" / split / f"{number}.txt").write_text(label)
    said = f"path: {folder / 'boxes'}\ntrain: images/train\nval: images/val\nnames: {{0: blue, 1: green}}\n"
    (folder / "boxes.yaml").write_text(said)


def main() -> None:
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        draw(folder)
        trainings = {"detect": ("yolov8n.yaml", "boxes.yaml"), "classify": ("yolov8n-cls.yaml", "kinds")}
        for task, (model, data) in trainings.items():
            learner = ultralytics.YOLO(model)
            learner.train(data=str(folder / data), epochs=12, project=str(folder / "runs"), name=task, **SETTINGS)
            copyfile(folder / "runs" / task / "results.csv", HERE / f"{task}.csv")
    (HERE / "versions.txt").write_text(f"ultralytics {ultralytics.__version__}\ntorch {torch.__version__}\n")


if __name__ == "__main__":
    main()
