"""Calibrating the cameras of a rig, live or from footage."""
