"""Drawn data whose truth is known."""
