"""What trained codes are used for: directions, edits, images of a caption or of an attribute."""
