"""Posestage's own network for real time on a CPU: finds one person by looking at the whole picture, too."""
