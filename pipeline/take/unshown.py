"""Recorded frames that cannot be shown, or not as they were, because what their pictures build on is missing.

Such pictures are in the video, so the ledger has them as recorded. Takes that were recorded when there was no
lead-in yet (docs/decisions/0024) may begin with some, and lost frames leave some behind them in any take.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.frames.frame import INTRA_ONLY
from pipeline.take.ledger import Ledger
from pipeline.take.video_file import RecordedVideo


@dataclass(frozen=True)
class Unshown:
    """Counts of one camera; they are part of its recorded frames.

    Attributes:
        without_key: Frames before the video's first key frame: nothing shows them.
        after_loss: Frames after one that was lost, up to the next key frame: players show them damaged or not
            at all.
    """

    without_key: int = 0
    after_loss: int = 0

    @property
    def frames(self) -> int:
        """All of them."""
        return self.without_key + self.after_loss

    def sentences(self) -> list[str]:
        """For people; empty when there is nothing to say."""
        found = []
        if self.without_key:
            text = "at the beginning cannot be shown: their key frame was not recorded"
            found.append(f"{_frames(self.without_key)} {text}")
        if self.after_loss:
            found.append(
                f"{_frames(self.after_loss)} after lost ones may be shown damaged, up to the next key frame"
            )
        return found


def find_unshown(video: RecordedVideo, ledger: Ledger, origin_ns: int) -> Unshown:
    """Count the recorded frames whose pictures lack what they build on.

    Args:
        video: The camera's video.
        ledger: Its ledger.
        origin_ns: Time 0 of the video.
    """
    if video.codec in INTRA_ONLY or not len(video):
        return Unshown()
    lines = [line for line, row in enumerate(ledger) if row.fate == "recorded"]
    rows = video.rows([ledger.rows[line].t_capture_ns for line in lines], origin_ns)
    keyed, whole = False, True
    without_key = after_loss = 0
    last_line = -1
    for is_key, row in zip(video.keyframes.tolist(), rows.tolist(), strict=True):
        line = lines[row] if row >= 0 else -1
        if line > last_line:
            # Lines in between are frames that are not in the video.
            whole = whole and (line == last_line + 1 or last_line < 0)
            last_line = line
        if is_key:
            keyed = whole = True
        if row >= 0:
            without_key += not keyed
            after_loss += keyed and not whole
    return Unshown(without_key, after_loss)


def _frames(count: int) -> str:
    return f"{count} recorded frame{'s' if count != 1 else ''}"
