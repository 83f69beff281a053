"""Writes tqdm/: the bar of a loop over batches and epochs, and one over epochs alone. Needs tqdm.

Made with tqdm (``versions.txt`` beside the files). No test runs this.
"""

from __future__ import annotations

from pathlib import Path

import tqdm

HERE = Path(__file__).parent / "tqdm"


def main() -> None:
    HERE.mkdir(exist_ok=True)
    with (HERE / "batches.txt").open("w") as file:
        for epoch in range(1, 11):
            with tqdm.tqdm(range(20), desc=f"Epoch {epoch}", file=file, mininterval=0) as bar:
                for batch in bar:
                    bar.set_postfix(loss=1 / epoch + 0.001 * (20 - batch))
            print(f"val_loss: {1.2 / epoch:.4f}, val_acc: {1 - 0.5 / epoch:.2%}", file=file)
    with (HERE / "epochs.txt").open("w") as file, tqdm.tqdm(range(10), file=file, mininterval=0) as bar:
        for epoch in bar:
            bar.set_postfix(train_loss=1 / (epoch + 1), val_loss=1.2 / (epoch + 1))
    (HERE / "versions.txt").write_text(f"tqdm {tqdm.__version__}\n")


if __name__ == "__main__":
    main()
