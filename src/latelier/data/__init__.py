"""Pictures -> rows of uint8 -> batches."""
