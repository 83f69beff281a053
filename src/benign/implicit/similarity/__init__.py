"""How alike solutions are: predictions, representations, weights up to permutations, and the hill between."""
