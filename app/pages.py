"""The pages of the window, in the order of the rail. A new page is one folder and one line here."""

from __future__ import annotations

from typing import Final

from configs.registry import Registry

PAGES: Final = Registry(
    "page",
    {
        "welcome": "app.welcome.page:WelcomePage",
        "live": "app.live.page:LivePage",
        "cameras": "app.cameras.page:CamerasPage",
        "calibrate": "app.calibrate.page:CalibratePage",
        "takes": "app.takes.page:TakesPage",
    },
)

RAIL: Final = {
    "welcome": ("Home", "home"),
    "live": ("Live", "live"),
    "cameras": ("Cameras", "camera"),
    "calibrate": ("Calibrate", "calibrate"),
    "takes": ("Takes", "takes"),
}
"""Name to (title, icon), so that the rail is there before any page is loaded."""
