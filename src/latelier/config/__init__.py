"""Settings as text, and modules by their name."""
