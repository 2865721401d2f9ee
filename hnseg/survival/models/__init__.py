"""Models of time to event, each behind :class:`hnseg.survival.objects.SurvivalModel` and named in the registry."""
