"""From a generator to a ranked list of structures, beside honest baselines."""
