"""Every 2D keypoint model by name."""

from configs.registry import Registry

KEYPOINT_MODELS = Registry(
    "keypoint model",
    {
        "blazepose": "models.keypoints.blazepose.model:BlazePose",
        "noisy_truth": "models.keypoints.noisy_truth:NoisyTruth",
        "rtmpose": "models.keypoints.rtmpose.model:RtmPose",
        "studio_lite": "models.keypoints.studio_lite.model:StudioLiteKeypoints",
    },
    extras={"blazepose": "people", "rtmpose": "onnx", "studio_lite": "learned"},
)
