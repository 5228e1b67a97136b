"""The clock that a remote grabber tells its host: this machine's monotonic one."""

from __future__ import annotations

import time


class MachineClock:
    """What other machines are told is a stamp; one that runs wrong on purpose overrides both mappings."""

    def stamp(self, monotonic_ns: int) -> int:
        """What other machines are told of an instant of this machine's monotonic clock."""
        return monotonic_ns

    def unstamp(self, stamp_ns: int) -> int:
        """Back from ``stamp``."""
        return stamp_ns

    def now(self) -> int:
        """The stamp of this instant."""
        return self.stamp(time.monotonic_ns())
