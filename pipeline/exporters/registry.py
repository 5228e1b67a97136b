"""Every export format by its name."""

from typing import Final

from configs.registry import Registry

EXPORTERS: Final = Registry(
    "export format",
    {
        "c3d": "pipeline.exporters.c3d:C3dExporter",
        "trc": "pipeline.exporters.trc:TrcExporter",
        "bvh": "pipeline.exporters.bvh:BvhExporter",
        "csv": "pipeline.exporters.csv:CsvExporter",
        "parquet": "pipeline.exporters.parquet:ParquetExporter",
        "npz": "pipeline.exporters.npz:NpzExporter",
    },
    extras={"c3d": "formats"},
)

SENTENCES: Final = {
    "c3d": "Motion analysis programs such as Visual3D, OpenSim, Mokka. Even rate, millimetres.",
    "trc": "Markers for OpenSim and its relatives. Even rate, millimetres, Y up.",
    "bvh": "Turning bones for Blender, Maya, MotionBuilder, Unreal. Fixed lengths, centimetres, Y up.",
    "csv": "A table for spreadsheets and scripts: one row per instant, person and joint.",
    "parquet": "The same table for pandas, R or DuckDB: small, fast, full precision, units in the file.",
    "npz": "NumPy arrays with everything: joints, smoothed joints, scores, covariance, keypoints.",
}
"""What each format is good for, shown where one is chosen."""
