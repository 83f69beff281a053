"""The ground floor: errors, outcomes, addressed randomness, replicates, splits, memory, progress, extras, files."""
