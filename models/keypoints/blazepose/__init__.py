"""BlazePose: 33 landmarks of people in ordinary pictures, on an ordinary CPU, through LiteRT."""
