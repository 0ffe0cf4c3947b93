"""Images -> rows of uint8 -> batches."""
