"""How fast and how well the parts run on this machine."""
