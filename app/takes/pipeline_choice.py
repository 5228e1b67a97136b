"""Which pipelines can make the poses of a take anew."""

from __future__ import annotations

from dataclasses import dataclass

from configs.errors import PosestageError


@dataclass(frozen=True)
class PipelineChoice:
    """One pipeline.

    Attributes:
        name: Of its yaml.
        description: What it is good for.
        obstacle: Why it cannot be used now and what to do; empty when it can.
        doubtful: Whether its results mean nothing.
    """

    name: str
    description: str
    obstacle: str = ""
    doubtful: bool = False


def pipeline_choices() -> list[PipelineChoice]:
    """All pipelines but the stand-in, which looks at no picture; those that can be used come first."""
    from app.session.pipelines import missing_models
    from pipeline.estimation.pipeline_config import STAND_IN, load_pipeline, pipeline_names

    choices = []
    for name in pipeline_names():
        try:
            pipeline = load_pipeline(name)
            missing = missing_models(pipeline)
        except PosestageError as error:
            choices.append(PipelineChoice(name, "", str(error)))
            continue
        if pipeline.keypoints["type"] == STAND_IN:
            continue
        obstacle = ""
        if missing:
            names = " and ".join(missing)
            models, them = ("model", "it") if len(missing) == 1 else ("models", "them")
            obstacle = f"Needs the {models} {names}. Choose this pipeline on the Live page to fetch {them}."
        words = ". ".join(part for part in (pipeline.description, pipeline.label.capitalize()) if part)
        choices.append(PipelineChoice(name, words, obstacle, bool(pipeline.label)))
    return sorted(choices, key=lambda choice: (bool(choice.obstacle), choice.doubtful))
