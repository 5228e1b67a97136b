"""What can be trained, by name."""

from configs.registry import Registry

TASKS = Registry(
    "training task",
    {
        "heatmaps": "models.training.tasks.heatmaps:HeatmapTask",
        "algebraic": "models.training.tasks.triangulation:AlgebraicTask",
        "simple_baseline": "models.training.tasks.lifting:SimpleBaselineTask",
        "gridconv": "models.training.tasks.lifting:GridConvTask",
        "metrabs": "models.training.tasks.metrabs:MetrabsTask",
        "volumetric": "models.training.tasks.triangulation:VolumetricTask",
    },
)
