"""Files for other programs out of a take, one format each."""
