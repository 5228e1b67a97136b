"""What evaluations need torch for; loaded only then."""

from configs.registry import Registry

NETWORKS = Registry(
    "source of a network",
    {
        "weights": "models.evaluation.network:open_weights",
        "untrained": "models.evaluation.network:build_untrained",
        "crops": "models.evaluation.crop_views:evaluate_crops",
        "lifter": "models.evaluation.lifting_run:Lifter",
        "lifting_files": "models.evaluation.lifting_run:evaluate_files",
        "lifting_simulated": "models.evaluation.lifting_run:evaluate_simulated",
        "metrabs": "models.evaluation.metrabs_run:evaluate_metrabs",
        "studio": "models.evaluation.studio_run:evaluate_studio",
        "studio_ways": "models.evaluation.studio_run:open_ways",
    },
    extras=dict.fromkeys(
        (
            "weights",
            "untrained",
            "crops",
            "lifter",
            "lifting_files",
            "lifting_simulated",
            "metrabs",
            "studio",
            "studio_ways",
        ),
        "learned",
    ),
)
