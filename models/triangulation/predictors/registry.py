"""Every learned triangulation by name."""

from configs.registry import Registry

_HERE = "models.triangulation.predictors"

PREDICTORS = Registry(
    "triangulation network",
    {
        "ransac": f"{_HERE}.algebraic:RansacPredictor",
        "algebraic": f"{_HERE}.algebraic:AlgebraicPredictor",
        "volumetric": f"{_HERE}.volumetric:VolumetricPredictor",
        "contextpose": f"{_HERE}.volumetric:ContextPosePredictor",
    },
    extras=dict.fromkeys(("ransac", "algebraic", "volumetric", "contextpose"), "learned"),
)

BENCHMARKS = Registry(
    "benchmark",
    {
        "networks": "models.triangulation.network_benchmark:benchmark_networks",
        "inference": "models.inference_benchmark:benchmark_inference",
    },
    extras={"networks": "learned", "inference": "learned"},
)
"""Loaded only when asked for, because it needs torch."""
