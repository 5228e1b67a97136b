"""From captured frames to a take on disk, without losing one."""
