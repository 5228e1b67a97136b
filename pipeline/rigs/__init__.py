"""Which cameras there are: rig files, and rigs that are made for someone."""
