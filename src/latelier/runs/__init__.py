"""A run on disk: read, and built again."""
