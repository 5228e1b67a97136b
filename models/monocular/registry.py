"""Every model that makes a 3D pose from one camera, by name."""

from configs.registry import Registry

MONOCULAR_MODELS = Registry(
    "model for one camera",
    {
        "simple_baseline": "models.monocular.lifter:SimpleBaselineLifter",
        "gridconv": "models.monocular.lifter:GridConvLifter",
        "metrabs": "models.monocular.metrabs:Metrabs",
    },
    extras={"simple_baseline": "learned", "gridconv": "learned", "metrabs": "learned"},
)
