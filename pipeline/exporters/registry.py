"""Every export format by its name."""

from configs.registry import Registry

EXPORTERS = Registry(
    "export format",
    {
        "csv": "pipeline.exporters.csv:CsvExporter",
        "parquet": "pipeline.exporters.parquet:ParquetExporter",
        "npz": "pipeline.exporters.npz:NpzExporter",
    },
)
