"""Outcome from clinical, radiomic and deep features: pipelines that see only their training rows."""
