"""Tools that prepare data sets; loaded only when used, because they need the extra ``datasets``."""

from configs.registry import Registry

_EXTRA = "datasets"

PREPARATION = Registry(
    "step of a preparation",
    {
        "frames": "models.datasets.human36m_frames:extract_frames",
        "boxes": "models.datasets.human36m_preparation:extract_boxes",
        "labels": "models.datasets.human36m_preparation:build_labels",
        "undistort": "models.datasets.human36m_preparation:undistort_pictures",
        "limbs": "models.datasets.limb_lengths:write_limb_lengths",
        "frames_3dhp": "models.datasets.mpi_inf_3dhp_frames:extract_training_frames",
    },
    extras=dict.fromkeys(("frames", "boxes", "labels", "undistort", "limbs"), _EXTRA),
)
