"""From a scanner's folder to cases: which files belong together, whose they are, what structures are called."""
