"""Pictures in shared memory, and the instants they belong to."""
