"""Training logs that somebody recorded: reading them, what they show, and what it means."""
