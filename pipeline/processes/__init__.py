"""The processes of a session, and what starts, watches and stops them."""
