"""What commands do with files of weights; loaded only then, because it needs torch."""

from configs.registry import Registry

CHECKPOINT_TOOLS = Registry(
    "tool for weights",
    {
        "import": "models.checkpoints.importing:import_checkpoint",
        "statistics": "models.lifting.statistics_file:read_statistics",
        "limbs": "models.checkpoints.importing:limb_settings",
        "export": "models.checkpoints.exporting:export_checkpoint",
        "package": "models.metrabs.packaging:package_weights",
        "detector": "models.metrabs.packaging:DetectorChoice",
        "kind": "models.checkpoints.opening:kind_of",
        "compact": "models.checkpoints.compact:compact_checkpoint",
    },
    extras={
        "import": "learned",
        "limbs": "learned",
        "statistics": "learned",
        "compact": "learned",
        "package": "learned",
        "detector": "learned",
        "kind": "learned",
    },
)
