"""Metrics of captions beside references, word for word as coco-caption computes them (commit 3a9afb2), on lists of
words: candidates, one a picture, and references, several a picture."""
