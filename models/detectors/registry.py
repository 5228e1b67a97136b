"""Every family of person detectors by name."""

from configs.registry import Registry

DETECTORS = Registry(
    "person detector",
    {
        "rtmdet": "models.detectors.rtmdet:RtmDet",
        "yolox": "models.detectors.yolox:Yolox",
    },
    extras={"rtmdet": "onnx", "yolox": "onnx"},
)
