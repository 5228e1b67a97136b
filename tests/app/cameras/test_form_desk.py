"""Drivers are asked in a process of their own."""

import os
import signal

from app.cameras.form_desk import FormDesk
from pipeline.drivers.registry import DRIVERS


def test_it_describes_and_checks_and_comes_back_after_a_crash(qtbot):
    desk = FormDesk()
    try:
        with qtbot.waitSignal(desk.described, timeout=60_000):
            desk.start()
        assert set(desk.forms) == set(DRIVERS)
        answers = {}
        desk.checked.connect(lambda key, asked, problems: answers.update({key: (asked, problems)}))
        desk.check(1, "usb", {"device": "0"})
        desk.check(2, "usb", {"exposure_us": "long"})
        qtbot.waitUntil(lambda: len(answers) == 2, timeout=60_000)
        assert answers[1] == (("usb", {"device": "0"}), {})
        assert answers[2][1] == {"exposure_us": "Must be a number of µs or auto."}
        os.kill(desk.process_id, signal.SIGKILL)
        qtbot.waitUntil(lambda: desk.process_id == 0, timeout=20_000)
        desk.check(3, "usb", {})
        qtbot.waitUntil(lambda: 3 in answers, timeout=60_000)
    finally:
        desk.shutdown()
