"""Where is your data's peak? Random Fourier features on your own arrays, with label noise to make the peak visible.

python examples/your_own_arrays.py
"""

from __future__ import annotations

from sklearn.datasets import load_wine

import benign


def main(samples: int = 60, replicates: int = 6) -> benign.Curve:
    """Measure every size on the wine data and print what was found."""
    wine = load_wine()
    labels = [str(wine.target_names[index]) for index in wine.target]
    source = benign.sources.arrays(wine.data, labels, label_noise=0.1, name="wine")
    surface = benign.measure(benign.RandomFourier(), source, samples=[samples], replicates=replicates)
    curve = surface.curve("test_loss")
    print(curve.peak_test.sentence)
    if curve.peak is not None:
        print(f"peak at {curve.peak.position:.0f} features for {samples} samples")
    return curve


if __name__ == "__main__":
    main()
