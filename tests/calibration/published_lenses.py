"""What is known of the cameras of real chessboard pictures in ../shared/data/pose2sim_single."""

PUBLISHED = {  # fx, cx and their deviations, root mean square error: OpenCV, with the wrong picture left out
    "cam01": (1672.6, 1.2, 562.8, 1.7, 0.121),
    "cam02": (1674.1, 1.2, 556.2, 1.2, 0.108),
    "cam03": (1675.1, 0.9, 559.2, 1.5, 0.140),
    "cam04": (1674.4, 1.1, 559.1, 1.3, 0.121),
}
