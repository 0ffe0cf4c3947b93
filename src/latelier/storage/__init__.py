"""Files and folders that are whole or not there, and records of a known form."""
