"""The ground floor: errors, outcomes, addressed randomness, replicates and splits, memory, progress, optional extras."""
