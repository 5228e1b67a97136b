"""Check of the lenient start of a backbone from somebody else's file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from models.backbones.initialisation import initialise_backbone
from models.backbones.pose_resnet import PoseResNet
from models.checkpoints.reading import read_state
from tests.parity.case import Case
from tests.parity.registry import check


@check("backbone_init_rules*")
def rules(case: Case) -> None:
    source = case.fill.build_state(case.keys, gains=case.meta["gains"], salt=case.meta["source_salt"])
    wrapped = {f"module.{name}": torch.from_numpy(value) for name, value in source.items()}
    wrapped["module.fc.weight"] = torch.zeros(1000, 512)
    wrapped["module.layer1.0.conv1.weight"] = torch.ones(64, 32, 3, 3)
    network = PoseResNet(18, case.meta["target_joints"], alg_confidences=True)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "weights.pth"
        torch.save({"state_dict": wrapped, "epoch": 3}, file)
        report = initialise_backbone(network, read_state(file))
    old = case.meta["source_joints"]
    wrong = []
    for name, expected in case.meta["result"].items():
        value = network.state_dict()[name]
        if expected == "loaded":
            right = name in report.copied and torch.equal(value, torch.from_numpy(source[name]))
        elif expected == "default initialisation":
            right = name in report.untouched and torch.equal(value, before[name])
        else:
            # "first 16 rows loaded, rest xavier uniform" of the weights, "rest zero" of the biases.
            right = report.partly[name] == old
            right &= torch.equal(value[:old], torch.from_numpy(source[name])[:old])
            if name.endswith("bias"):
                right &= not value[old:].any()
            else:
                outputs, inputs = value.shape[:2]
                bound = (6 / (inputs + outputs)) ** 0.5
                right &= bool(value[old:].abs().max() <= bound) and bool(value[old:].std() > bound / 4)
        if not right:
            wrong.append(name)
    assert set(case.meta["result"]) == set(before)
    assert set(report.dropped) == {"fc.weight", "layer1.0.conv1.weight"}
    case.note(f"entries treated otherwise: {', '.join(wrong) or 'none'}", len(wrong), 0.0, "entries")
