"""Whether a run is good, measured and in words."""
