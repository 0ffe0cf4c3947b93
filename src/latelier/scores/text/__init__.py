"""Metrics of captions beside references, word for word as coco-caption computes them (commit 3a9afb2), on lists of
words: candidates, one an image, and references, several an image."""
