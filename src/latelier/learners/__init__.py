"""Simple learners that probes, baselines and directions are made of: the same solvers wherever one is asked for."""
