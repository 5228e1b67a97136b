"""Cameras of other machines: both ends of the line, and their clocks."""
