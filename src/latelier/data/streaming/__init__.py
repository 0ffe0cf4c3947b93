"""Shards -> batches without a pack: read in a seeded order, decoded ahead."""
