"""Pixels of one camera in shared memory: written once by its grabber, read in place by others.

One segment per camera: a header page and a few page-aligned slots. The grabber lets its driver draw a frame
into a free slot, or copies it there, and announces it with a small message (slot and generation). Flow
control is by credit: a slot is free again when the consumer has marked its generation as done. The grabber
never waits: without a free slot it drops the frame for inference and counts it. Readers that only peek
(previews) take no credit: they copy the newest slot and check its generation afterwards. While somebody
peeks, frames that the consumer has no room for go into slots of their own, so a preview goes on when
inference is slow or away.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Final
from unittest import mock

import numpy as np
import psutil

from configs.errors import PosestageError
from pipeline.frames.frame import Image

LAYOUT_VERSION: Final = 2
_MAGIC: Final = 0x504F53455247  # "POSERG"
_PAGE: Final = 4096
_HEADER_INTS: Final = 8
_MAX_SLOTS: Final = 64
_PREVIEW_SLOTS: Final = 2
"""Written in turn, so that a reader has a whole period to copy one."""
PREVIEW_LEASE_NS: Final = 1_000_000_000
"""So long after somebody peeked, frames are still written for previews."""
_PREFIX: Final = "posestage"
_SHARED_MEMORY_FOLDER: Final = Path("/dev/shm")


class RingError(PosestageError):
    """Shared memory cannot be had or does not hold what was announced."""


class _Layout:
    """The header as named views on the segment's first page."""

    def __init__(self, memory: SharedMemory) -> None:
        ints = np.frombuffer(_buffer(memory), np.int64, _PAGE // 8)
        self.fields = ints[:_HEADER_INTS]  # magic, version, slots, height, width, channels, newest, interval
        self.generation = ints[_HEADER_INTS : _HEADER_INTS + _MAX_SLOTS]  # 0 while a slot is being written
        self.done = ints[_HEADER_INTS + _MAX_SLOTS : _HEADER_INTS + 2 * _MAX_SLOTS]
        self.time_ns = ints[_HEADER_INTS + 2 * _MAX_SLOTS : _HEADER_INTS + 3 * _MAX_SLOTS]
        self.preview_until_ns = ints[_HEADER_INTS + 3 * _MAX_SLOTS : _HEADER_INTS + 3 * _MAX_SLOTS + 1]

    def release(self) -> None:
        del self.fields, self.generation, self.done, self.time_ns, self.preview_until_ns


def _same_memory(one: Image, other: Image) -> bool:
    return bool(one.ctypes.data == other.ctypes.data) and one.shape == other.shape


def _slot_stride(height: int, width: int) -> int:
    return -(-height * width * 3 // _PAGE) * _PAGE


def _buffer(memory: SharedMemory) -> memoryview:
    assert memory.buf is not None
    return memory.buf


class FrameRingWriter:
    """The grabber's side: owns the segment and unlinks it on ``close``.

    Args:
        camera: Camera name, part of the segment's name.
        size: (width, height) px.
        slots: Wanted number of slots for the consumer; fewer (at least 3) are taken when shared memory is
            short. Two more are for previews.

    Raises:
        RingError: Not even three slots fit into the machine's shared memory.
    """

    def __init__(self, camera: str, size: tuple[int, int], slots: int = 6) -> None:
        width, height = size
        self._stride = _slot_stride(height, width)
        slots = min(slots, _MAX_SLOTS - _PREVIEW_SLOTS, _slots_that_fit(self._stride) - _PREVIEW_SLOTS)
        if slots < 3:
            raise RingError(
                f"camera {camera}: shared memory has no room for five {width}x{height} frames; "
                "free some, or raise its limit (containers: --shm-size=1g)"
            )
        self.name = f"{_PREFIX}-{os.getpid()}-{camera}"
        total = slots + _PREVIEW_SLOTS
        self._memory = SharedMemory(self.name, create=True, size=_PAGE + total * self._stride)
        self._layout = _Layout(self._memory)
        self._layout.fields[:] = [_MAGIC, LAYOUT_VERSION, total, height, width, 3, -1, 0]
        self._layout.preview_until_ns[:] = 0
        self._layout.generation[:] = -1
        self._layout.done[:] = -1
        self._slots = [
            np.frombuffer(
                _buffer(self._memory), np.uint8, height * width * 3, _PAGE + slot * self._stride
            ).reshape(height, width, 3)
            for slot in range(total)
        ]
        self._count = slots
        self._newest = -1
        self._newest_preview = -1
        self._canvas: int | None = None
        self._next_generation = 1

    @property
    def slots(self) -> int:
        """Number of slots for the consumer."""
        return self._count

    def canvas(self) -> Image | None:
        """(H, W, 3) memory to draw the next picture into, so that nobody has to copy it.

        What is drawn there is handed over by ``write`` or ``show``; without either, the next call gives the
        same memory again.

        Returns:
            Pixels of an earlier picture, or None when the consumer has left no slot free.
        """
        slot = self._canvas if self._canvas is not None else self._free_slot()
        if slot is None:
            return None
        self._canvas = slot
        self._layout.generation[slot] = 0  # those who peek see nothing half drawn
        return self._slots[slot]

    def write(self, image: Image, t_capture_ns: int) -> tuple[int, int] | None:
        """Hand over what was drawn on the canvas, or copy another ``image`` into a free slot.

        Returns:
            (slot, generation) to announce, or None when the consumer has left no slot free.

        Raises:
            RingError: The image has another size than the ring was made for.
        """
        if image.shape != self._slots[0].shape:
            raise RingError(f"{self.name}: frame is {image.shape}, the ring holds {self._slots[0].shape}")
        slot = self._canvas if self._canvas is not None else self._free_slot()
        if slot is None:
            return None
        self._canvas = None
        self._newest = slot
        return slot, self._fill(slot, image, t_capture_ns)

    def show(self, image: Image, t_capture_ns: int) -> None:
        """Let those who peek see a frame that the consumer does not get; copied only if anybody does."""
        slot = self._canvas
        if slot is not None and _same_memory(image, self._slots[slot]):
            self._canvas = None
            self._newest = slot
            self._layout.done[slot] = self._fill(slot, image, t_capture_ns)
            return
        if time.monotonic_ns() > int(self._layout.preview_until_ns[0]):
            return
        self._newest_preview = (self._newest_preview + 1) % _PREVIEW_SLOTS
        self._fill(self._count + self._newest_preview, image, t_capture_ns)

    def _fill(self, slot: int, image: Image, t_capture_ns: int) -> int:
        layout = self._layout
        generation = self._next_generation
        self._next_generation += 1
        layout.generation[slot] = 0
        if not _same_memory(image, self._slots[slot]):
            np.copyto(self._slots[slot], image)
        layout.time_ns[slot] = t_capture_ns
        layout.generation[slot] = generation
        layout.fields[6] = slot
        return generation

    def _free_slot(self) -> int | None:
        layout = self._layout
        for offset in range(1, self._count + 1):  # oldest first: peeking readers keep the newest longest
            slot = (self._newest + offset) % self._count
            if layout.done[slot] == layout.generation[slot]:
                return slot
        return None

    @property
    def wanted_interval_ns(self) -> int:
        """How far apart the consumer wants its frames; 0: every frame."""
        return int(self._layout.fields[7])

    def release(self, slot: int, generation: int) -> None:
        """Give a slot back on the consumer's behalf, when its announcement could not be sent."""
        if self._layout.generation[slot] == generation:
            self._layout.done[slot] = generation

    def release_all(self) -> None:
        """Another consumer takes over: whatever the last one held, or was told of, is lost with it."""
        self._layout.done[: self._count] = self._layout.generation[: self._count]
        self._layout.fields[7] = 0

    def close(self) -> None:
        """Free the segment; readers that still map it keep their view."""
        self._slots.clear()
        self._layout.release()
        _unmap(self._memory)
        self._memory.unlink()


class FrameRingReader:
    """A reader's side; attach by the name in the announcement.

    Args:
        name: Segment name.
        free_before: For the one reader that holds credit (the inference node): the first generation it was
            told of. Older slots are freed: whatever an earlier consumer held is lost with it.

    Raises:
        RingError: No such segment, or not one of ours.
    """

    def __init__(self, name: str, *, free_before: int | None = None) -> None:
        self.name = name
        self._memory = attach(name)
        self._layout = _Layout(self._memory)
        magic, version, slots, height, width, channels, _, _ = (int(value) for value in self._layout.fields)
        stride = _slot_stride(height, width)
        if (magic, version, channels) != (_MAGIC, LAYOUT_VERSION, 3) or not (
            0 < slots <= _MAX_SLOTS and self._memory.size >= _PAGE + slots * stride
        ):
            self._layout.release()
            self._memory.close()
            raise RingError(f"shared memory {name} is not a frame ring of version {LAYOUT_VERSION}")
        self._slots: list[Image] = []
        for slot in range(slots):
            flat = np.frombuffer(_buffer(self._memory), np.uint8, height * width * 3, _PAGE + slot * stride)
            flat.flags.writeable = False
            self._slots.append(flat.reshape(height, width, 3))
        if free_before is not None:
            generations = self._layout.generation[:slots]
            old = generations < free_before
            self._layout.done[:slots][old] = generations[old]

    def view(self, slot: int, generation: int) -> Image | None:
        """The pixels in place, or None when the slot has been overwritten since it was announced."""
        if not self.valid(slot, generation):
            return None
        return self._slots[slot]

    def valid(self, slot: int, generation: int) -> bool:
        """Whether the slot still holds that generation; ask again after using its pixels."""
        return 0 <= slot < len(self._slots) and bool(self._layout.generation[slot] == generation)

    def release(self, slot: int, generation: int) -> None:
        """Give the slot back to the grabber."""
        if self.valid(slot, generation):
            self._layout.done[slot] = generation

    def want(self, interval_ns: int) -> None:
        """Tell the grabber how far apart frames are wanted; 0: every frame."""
        self._layout.fields[7] = interval_ns

    @property
    def newest_ns(self) -> int:
        """Capture time of the newest frame, -1 while there is none; also asks the grabber for previews."""
        self._layout.preview_until_ns[0] = time.monotonic_ns() + PREVIEW_LEASE_NS
        slot = int(self._layout.fields[6])
        return int(self._layout.time_ns[slot]) if 0 <= slot < len(self._slots) else -1

    def peek(self, copy: Callable[[Image], Image] = np.copy) -> tuple[int, Image] | None:
        """(capture time, copy) of the newest frame; None when there is none or it changed meanwhile.

        Args:
            copy: Makes the copy; one that shrinks saves copying what will not be seen.
        """
        self._layout.preview_until_ns[0] = time.monotonic_ns() + PREVIEW_LEASE_NS
        slot = int(self._layout.fields[6])
        if not 0 <= slot < len(self._slots):
            return None
        generation = int(self._layout.generation[slot])
        if generation <= 0:
            return None
        picture = copy(self._slots[slot])
        t_capture_ns = int(self._layout.time_ns[slot])
        return (t_capture_ns, picture) if self.valid(slot, generation) else None

    def find(self, t_capture_ns: int, copy: Callable[[Image], Image] = np.copy) -> Image | None:
        """Copy of the frame captured at that time; None when it is not there (any more).

        Args:
            t_capture_ns: Capture time.
            copy: See ``peek``.
        """
        for slot in np.flatnonzero(self._layout.time_ns[: len(self._slots)] == t_capture_ns):
            generation = int(self._layout.generation[slot])
            if generation > 0:
                picture = copy(self._slots[int(slot)])
                if self.valid(int(slot), generation):
                    return picture
        return None

    def close(self) -> None:
        """Unmap; views handed out must not be used any more."""
        self._slots.clear()
        self._layout.release()
        _unmap(self._memory)


def _unmap(memory: SharedMemory) -> None:
    try:
        memory.close()
    except BufferError:  # a picture is still alive somewhere; the mapping goes with the process
        memory._mmap = None  # type: ignore[attr-defined]
        memory._buf = None  # type: ignore[attr-defined]


def attach(name: str) -> SharedMemory:
    """Attach to a segment without becoming its owner.

    Before Python 3.13 an attaching process registers the segment with its resource tracker, which unlinks it
    when that process ends; only the owner may do so.

    Raises:
        RingError: No such segment.
    """
    try:
        if sys.version_info >= (3, 13):
            return SharedMemory(name, track=False)
        with mock.patch.object(resource_tracker, "register", lambda *_: None):
            return SharedMemory(name)
    except (FileNotFoundError, ValueError) as error:
        raise RingError(f"shared memory {name} is gone") from error


def clean_up_after_dead_owners() -> list[str]:
    """Unlink rings whose grabber no longer lives; returns their names.

    Only Linux needs it; elsewhere the system frees a segment with its last user.
    """
    removed = []
    for name in _own_segments():
        pid = name.split("-")[1]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            try:
                (_SHARED_MEMORY_FOLDER / name).unlink(missing_ok=True)
            except PermissionError:  # of another user of this machine
                continue
            removed.append(name)
    return removed


def unlink_rings_of(pid: int) -> None:
    """Unlink the rings of one child process that has ended without doing so itself."""
    for name in _own_segments():
        if name.split("-")[1] == str(pid):
            (_SHARED_MEMORY_FOLDER / name).unlink(missing_ok=True)
            # The child told the tracker that it shares with us; it would complain about it when we end.
            resource_tracker.unregister(f"/{name}", "shared_memory")


def _own_segments() -> Iterator[str]:
    if _SHARED_MEMORY_FOLDER.is_dir():
        for path in list(_SHARED_MEMORY_FOLDER.glob(f"{_PREFIX}-*-*")):
            yield path.name


def _slots_that_fit(stride: int) -> int:
    if not _SHARED_MEMORY_FOLDER.is_dir():
        return _MAX_SLOTS
    return int(shutil.disk_usage(_SHARED_MEMORY_FOLDER).free * 0.9 - _PAGE) // stride


@contextmanager
def reading(name: str) -> Iterator[FrameRingReader]:
    """Attach for the length of a with-block."""
    reader = FrameRingReader(name)
    try:
        yield reader
    finally:
        reader.close()
