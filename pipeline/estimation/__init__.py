"""From the pictures of one instant to poses, live or from recorded footage."""
