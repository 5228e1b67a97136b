"""What can be trained, by name."""

from configs.registry import Registry

TASKS = Registry(
    "training task",
    {
        "heatmaps": "models.training.tasks.heatmaps:HeatmapTask",
        "algebraic": "models.training.tasks.triangulation:AlgebraicTask",
        "volumetric": "models.training.tasks.triangulation:VolumetricTask",
    },
)
