"""Images decoded once, into files of uint8 rows."""
