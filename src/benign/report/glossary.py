"""The words of the field in plain sentences, for a reader who meets them for the first time."""

from __future__ import annotations

GLOSSARY: tuple[tuple[str, str], ...] = (
    ("size", "How much freedom the model has to fit: its number of features, hidden units, leaves, or its degree."),
    ("train loss", "How wrong the model is on the samples that it was fitted to."),
    ("test loss", "How wrong the model is on new samples. This is what counts."),
    ("overfitting", "The model has learned the noise of its training samples, and new samples are predicted worse."),
    (
        "interpolation threshold",
        "The smallest size at which the model fits its training samples exactly, mislabelled ones included.",
    ),
    ("classical minimum", "The best test loss before the threshold, where textbooks advise to stop."),
    ("peak", "The worst test loss, at or near the threshold, where exactly one model fits and it is contorted."),
    (
        "second descent",
        "Beyond the threshold many models fit exactly, the procedure picks a smooth one, and the test loss falls again.",
    ),
    ("double descent", "The whole course: down, up to the peak, and down a second time."),
    ("ridge", "A penalty on large weights. Tuned well it removes the peak."),
    ("replicate", "One repetition of the whole measurement with fresh samples, fresh initialisation and fresh noise."),
    (
        "median and band",
        "Half of the replicates lie below the line; one in ten lies below the band and one in ten above it.",
    ),
    ("label noise", "The share of training samples that carry a wrong label, or the error added to their targets."),
)
