"""Every export format by its name."""

from typing import Final

from configs.registry import Registry

EXPORTERS: Final = Registry(
    "export format",
    {
        "c3d": "pipeline.exporters.c3d:C3dExporter",
        "trc": "pipeline.exporters.trc:TrcExporter",
        "bvh": "pipeline.exporters.bvh:BvhExporter",
        "glb": "pipeline.exporters.gltf:GlbExporter",
        "gltf": "pipeline.exporters.gltf:GltfExporter",
        "csv": "pipeline.exporters.csv:CsvExporter",
        "parquet": "pipeline.exporters.parquet:ParquetExporter",
        "npz": "pipeline.exporters.npz:NpzExporter",
    },
    extras={"c3d": "formats", "glb": "formats", "gltf": "formats"},
)

SENTENCES: Final = {
    "c3d": "Motion analysis programs such as Visual3D, OpenSim, Mokka. Even rate, millimetres.",
    "trc": "Markers for OpenSim and its relatives. Even rate, millimetres, Y up.",
    "bvh": "Turning bones for Blender, Maya, MotionBuilder, Unreal. Fixed lengths, centimetres, Y up.",
    "glb": "A moving figure for game engines, web pages and Blender, in one file. Metres, Y up.",
    "gltf": "The same as text that scripts can read, half as large again.",
    "csv": "A table for spreadsheets and scripts: one row per instant, person and joint.",
    "parquet": "The same table for pandas, R or DuckDB: small, fast, full precision, units in the file.",
    "npz": "NumPy arrays with everything: joints, smoothed joints, scores, covariance, keypoints.",
}
"""What each format is good for, shown where one is chosen."""
