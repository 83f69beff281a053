"""How large a solution is: norms, distances from initialisation and margins of dense networks."""
