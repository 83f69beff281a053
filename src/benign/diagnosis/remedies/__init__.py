"""What may better the user's model, tried on held-out data."""

from benign.diagnosis.remedies.trying import remedies as remedies
