"""A recording on disk: writing, reading, repairing and judging it."""
