"""Which numbers a camera's frames have in the take, kept while recording so that another recorder can go on.

A grabber counts from 0 each time it is started; the ledger counts on. Each line of the file is one start of
one camera: what it delivers and which ledger number its frame 0 has. The file is gone when the take is
complete.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from pipeline.frames.frame import VideoFormat
from pipeline.take.append import append_whole


@dataclass(frozen=True)
class StreamStart:
    """A camera began to deliver.

    Attributes:
        camera: Which camera.
        epoch: What the grabber calls this start; never the same twice.
        offset: Ledger number of the grabber's frame 0.
        format: What it delivers, codec configuration included where it is known.
    """

    camera: str
    epoch: int
    offset: int
    format: VideoFormat


class StreamsLog:
    """The starts of all cameras; appends one line each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream = path.open("ab", buffering=0)

    def append(self, start: StreamStart) -> None:
        """Write one start.

        Raises:
            OSError: The disk refused.
        """
        fmt = start.format
        data = {
            "camera": start.camera,
            "epoch": start.epoch,
            "offset": start.offset,
            "codec": fmt.codec,
            "size": fmt.size,
            "fps": fmt.fps,
            "extradata": fmt.extradata.hex(),
            "pixel_format": fmt.pixel_format,
        }
        # A line break before, too: one that was torn by a kill must not swallow the next.
        append_whole(self._stream, f"\n{json.dumps(data)}\n".encode())

    def fsync(self) -> None:
        """Wait until it is on the disk."""
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._stream.close()


def read_streams(path: Path) -> list[StreamStart]:
    """Every whole line in order; empty when there is no such file."""
    starts = []
    for line in path.read_bytes().split(b"\n") if path.is_file() else []:
        try:
            data = json.loads(line)
            width, height = data["size"]
            fmt = VideoFormat(
                data["codec"],
                (width, height),
                data["fps"],
                bytes.fromhex(data["extradata"]),
                data["pixel_format"],
            )
            starts.append(StreamStart(data["camera"], int(data["epoch"]), int(data["offset"]), fmt))
        except (ValueError, KeyError, TypeError):
            continue  # empty, or torn: nothing was recorded after it
    return starts
