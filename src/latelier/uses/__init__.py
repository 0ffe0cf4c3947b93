"""What trained codes are used for: directions, edits, pictures of a caption or of an attribute."""
