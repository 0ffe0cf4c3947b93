"""Shards that lie in object stores or on web servers: named, listed, fetched into a bounded folder."""
