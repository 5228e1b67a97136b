"""Colours people can read, and icons that are there."""

from __future__ import annotations

import re

import pytest
from PyQt6.QtWidgets import QApplication, QLabel

from app import icons, theme
from app.pages import RAIL


def contrast(a, b) -> float:
    """WCAG 2.2 contrast of two colours."""

    def luminance(colour) -> float:
        parts = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in colour.getRgbF()[:3]]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
def test_text_can_be_read(colours):
    grounds = (colours.background, colours.panel, colours.raised)
    for role in ("text", "quiet_text", "accent", "good", "warning", "bad"):
        for ground in grounds:
            assert contrast(getattr(colours, role), ground) >= 4.5, (role, ground.name())
    assert contrast(colours.on_accent, colours.accent) >= 4.5
    assert contrast(colours.background, colours.warning) >= 4.5  # banners
    for role in ("left", "right", "middle"):
        assert contrast(getattr(colours, role), colours.background) >= 3.0  # graphics


@pytest.mark.parametrize("colours", [theme.DARK, theme.LIGHT], ids=["dark", "light"])
def test_style_sheet_is_complete(qapp, colours):
    sheet = theme.style_sheet(colours)
    assert "$" not in sheet
    assert set(re.findall(r"#[0-9a-f]{6}", sheet)) >= {colours.background.name(), colours.accent.name()}


def test_theme_changes_the_application(qtbot):
    application = QApplication.instance()
    before = theme.palette()
    told = []
    theme.watcher().changed.connect(lambda: told.append(theme.palette()))
    try:
        theme.apply(application, "light")
        assert theme.palette() == theme.LIGHT
        assert told == [theme.LIGHT]
        assert theme.side_colour("left_knee") == theme.LIGHT.left
        label = QLabel("x")
        qtbot.addWidget(label)
        theme.set_role(label, "bad")
        label.ensurePolished()
        assert label.palette().windowText().color() == theme.LIGHT.bad
    finally:
        theme.apply(application, "dark")
        application.setStyleSheet("")
        theme._Current.palette = before


def test_every_icon_draws_something(qtbot):
    drawn = {}
    for name in icons.names():
        image = icons.icon(name, theme.DARK.text, 24).pixmap(24, 24).toImage()
        marked = sum(
            image.pixelColor(x, y).alpha() > 128 for x in range(image.width()) for y in range(image.height())
        )
        assert 12 < marked < image.width() * image.height() * 0.8, name
        drawn[name] = bytes(image.constBits().asarray(image.sizeInBytes()))
    assert len(set(drawn.values())) == len(drawn), "no two look the same"
    assert {icon for _, icon in RAIL.values()} <= set(drawn)
