"""A running rig: what the desktop and headless capture both drive."""
