"""Apache Parquet: the table of the csv exporter at full precision, with units in the schema."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq

from pipeline.exporters.base import ExportError
from pipeline.exporters.table import compare_tables, joint_table
from pipeline.take.poses_file import Poses
from pipeline.take.take import Take


class ParquetExporter:
    """Fields carry ``unit`` and ``description``; the schema carries what the take is."""

    suffix = ".parquet"

    def write(self, take: Take, poses: Poses, path: Path) -> None:
        """Write the table at full precision."""
        table = joint_table(poses, take.header.origin_ns)
        pq.write_table(table.replace_schema_metadata(_about(take, poses)), path, compression="zstd")

    def verify(self, take: Take, poses: Poses, path: Path) -> None:
        """Read the file back; every value agrees exactly, and so does what the schema says."""
        written = pq.read_table(path)
        compare_tables(written, joint_table(poses, take.header.origin_ns), 0.0, path)
        metadata = written.schema.metadata or {}
        for key, value in _about(take, poses).items():
            if metadata.get(key.encode()) != value.encode():
                raise ExportError(f'{path}: the schema lost its entry "{key}"')


def _about(take: Take, poses: Poses) -> dict[str, str]:
    header = take.header
    return {
        "take": header.name,
        "label": header.label,
        "skeleton": poses.skeleton,
        "wall_time": header.wall_time,
        "world": "right-handed, Z up, floor at Z = 0, millimetres",
        "software": json.dumps(dict(header.software)),
    }
