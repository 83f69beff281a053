"""What is wrong with the user's rows, before any training: leaks, groups, an order in time."""
