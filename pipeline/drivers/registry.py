"""Every camera driver by the name used in a rig file."""

from configs.registry import Registry

DRIVERS = Registry(
    "camera driver",
    {
        "simulated": "pipeline.drivers.simulated:SimulatedDriver",
        "video_file": "pipeline.drivers.video_file:VideoFileDriver",
        "image_folder": "pipeline.drivers.image_folder:ImageFolderDriver",
        "usb": "pipeline.drivers.usb:UsbDriver",
        "rtsp": "pipeline.drivers.rtsp:RtspDriver",
        "remote": "pipeline.remote.driver:RemoteDriver",
    },
)
