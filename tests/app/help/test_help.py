"""Help texts and their buttons."""

import re
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QLabel, QWidget

from app.help.popover import Popover, help_button
from app.help.texts import help_texts

APP = Path(__file__).parents[3] / "app"


def test_texts_are_short_and_whole():
    for topic, text in help_texts().items():
        assert text.title and text.paragraphs, topic
        words = sum(len(paragraph.split()) for paragraph in text.paragraphs)
        assert words <= 80, f"{topic}: {words} words are not read"
        assert all(paragraph.endswith(".") for paragraph in text.paragraphs), topic


def test_every_button_has_a_text():
    asked = set()
    for file in APP.rglob("*.py"):
        asked |= set(re.findall(r'help_button\("(\w+)"', file.read_text(encoding="utf-8")))
    assert asked
    assert asked <= set(help_texts())


def test_button_opens_the_text_beside_itself_and_a_key_closes_it(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(400, 300)
    button = help_button("mode", window)
    window.show()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    (popover,) = (
        one for one in QApplication.topLevelWidgets() if isinstance(one, Popover) and one.isVisible()
    )
    shown = [label.text() for label in popover.findChildren(QLabel)]
    assert shown == [help_texts()["mode"].title, *help_texts()["mode"].paragraphs]
    assert button.accessibleName() == "Help: Size and rate"
    qtbot.keyClick(popover, Qt.Key.Key_Escape)
    assert not popover.isVisible()


def test_an_unknown_topic_is_a_mistake_of_ours(qtbot):
    with pytest.raises(KeyError):
        help_button("nothing")
