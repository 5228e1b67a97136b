"""Where pictures come from: one driver for each kind of camera or footage."""
