"""Names of the activations, for settings that are written down where JAX is not installed."""

# Those with activation(0) = 0 first: a hidden unit of zeros then stays zero, so that widths may share a program.
KEEP_ZERO = ("relu", "tanh", "gelu", "silu")
MOVE_ZERO = ("softplus", "sigmoid")
ACTIVATIONS = (*KEEP_ZERO, *MOVE_ZERO)
