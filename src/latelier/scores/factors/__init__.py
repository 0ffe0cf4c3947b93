"""Measures of disentanglement in [0, 1]: pure functions of codes [n, d] and the levels of known factors [n, f]."""
