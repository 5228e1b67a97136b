"""Comma-separated values: one row per instant, person and joint, units in the column names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from pipeline.exporters.table import COLUMNS, compare_tables, joint_table
from pipeline.take.poses_file import Poses
from pipeline.take.take import Take

DECIMALS = 6
"""Of all numbers: a millionth of a millimetre, of a second, of a score; and short lines."""

# Half of the last decimal, and what doubles of up to 1e5 mm round.
TOLERANCE = 0.5 * 10.0**-DECIMALS + 1e-10


class CsvExporter:
    """RFC 4180 with a header line; missing values are empty."""

    suffix = ".csv"

    def write(self, take: Take, poses: Poses, path: Path) -> None:
        """Write the table with ``DECIMALS`` decimals."""
        table = joint_table(poses, take.header.origin_ns)
        for at, (name, (kind, _, _)) in enumerate(COLUMNS.items()):
            if pa.types.is_floating(kind):
                rounded = np.round(table.column(name).to_numpy(), DECIMALS) + 0.0  # + 0.0: no "-0"
                table = table.set_column(at, table.schema.field(name), pa.array(rounded, from_pandas=True))
        pa_csv.write_csv(table, path, pa_csv.WriteOptions(quoting_style="needed", quoting_header="none"))

    def verify(self, take: Take, poses: Poses, path: Path) -> None:
        """Read the text back; floats agree to ``TOLERANCE``."""
        options: Any = pa_csv.ConvertOptions(
            column_types={name: kind for name, (kind, _, _) in COLUMNS.items()}, strings_can_be_null=False
        )
        written = pa_csv.read_csv(path, convert_options=options)
        compare_tables(written, joint_table(poses, take.header.origin_ns), TOLERANCE, path)
