"""When a calibration holds, and what is said when it does not."""

from dataclasses import replace

from app.cameras import new_cameras
from app.cameras.calibration_fit import Calibrated, fit
from app.cameras.rig_draft import CameraDraft, RigDraft
from pipeline.rigs.simulated_rig import simulated_rig


def usb(name: str, device: str = "", size=(640, 480)) -> CameraDraft:
    return CameraDraft(name, "usb", {"device": device or name}, size, 30.0)


def test_a_calibration_fits_until_cameras_or_sizes_change():
    rig = RigDraft("rig", (usb("left"), usb("right")))
    made = Calibrated.with_draft({"left": (640, 480), "right": (640, 480)}, rig)
    left, right = rig.cameras
    assert fit(made, rig).words == ""
    assert fit(None, rig).words == ""
    assert not fit(made, rig.removed(left.key)).misfits, "fewer cameras are no harm"
    assert not fit(made, rig.moved(left.key, 1)).misfits, "nor is another order"
    assert not fit(made, rig.changed(left.key, lambda one: replace(one, fps=60.0))).misfits
    assert not fit(made, rig.changed(left.key, lambda one: one.with_setting(("exposure_us",), 5000))).misfits
    assert not fit(made, rig.changed(left.key, lambda one: replace(one, size=None))).misfits
    bigger = fit(made, rig.changed(right.key, lambda one: replace(one, size=(1280, 720))))
    assert bigger.words == (
        "The calibration no longer fits: right was calibrated at 640 × 480. Poses need a new calibration."
    )
    more = fit(made, rig.added([usb("third")]))
    assert "third was not there" in more.words


def test_another_source_is_a_doubt_not_a_misfit():
    rig = RigDraft("rig", (usb("left"),))
    made = Calibrated.with_draft({"left": (640, 480)}, rig)
    other = fit(made, rig.changed(rig.cameras[0].key, lambda one: one.with_setting(("device",), "2")))
    assert not other.misfits
    assert "left now comes from another source" in other.words


def test_simulated_cameras_stand_where_their_studio_puts_them():
    rig = RigDraft.of(simulated_rig(3, (640, 480), 30.0, 0))
    made = Calibrated.with_draft(dict.fromkeys(rig.names, (640, 480)), rig)
    first = rig.cameras[0].key
    people = rig.changed_all("simulated", lambda one: one.with_setting(("studio", "people"), 2))
    assert not fit(made, people).misfits
    seed = rig.changed_all("simulated", lambda one: one.with_setting(("studio", "seed"), 5))
    assert len(fit(made, seed).misfits) == 3
    wider, _ = new_cameras.with_simulated_camera(rig)
    assert "elsewhere in the simulated studio" in fit(made, wider).words, "a ring of four is another ring"
    renamed = rig.changed(first, lambda one: new_cameras.renamed(one, "front"))
    assert fit(made, renamed).misfits == ("front was not there",)
