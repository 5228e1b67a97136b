"""What evaluations need torch for; loaded only then."""

from configs.registry import Registry

NETWORKS = Registry(
    "source of a network",
    {
        "weights": "models.evaluation.network:open_weights",
        "untrained": "models.evaluation.network:build_untrained",
    },
    extras={"weights": "learned", "untrained": "learned"},
)
