"""Every command: its name, the class behind it, imported only when asked for, and one line for ``--help``."""

from __future__ import annotations

from dataclasses import dataclass

from configs.registry import Registry


@dataclass(frozen=True)
class TableLine:
    """One command; ``target`` is ``"module:Class"``."""

    name: str
    target: str
    summary: str


TABLE = (
    TableLine("gui", "app.commands.gui:Command", "the desktop (also without any command)"),
    TableLine("demo", "app.commands.demo:Command", "the simulated studio through the real pipeline"),
    TableLine("calibrate", "app.commands.calibrate:Command", "lenses and places of a rig's cameras"),
    TableLine("capture", "app.commands.capture:Command", "headless capture of a rig to a take"),
    TableLine("process", "app.commands.process:Command", "poses from recorded videos, every frame"),
    TableLine("repair", "app.commands.repair:Command", "an interrupted take becomes complete again"),
    TableLine("export", "app.commands.export:Command", "a take's poses as files for other tools"),
    TableLine(
        "prepare", "app.commands.prepare:Command", "a data set's downloads to the files evaluations read"
    ),
    TableLine("evaluate", "app.commands.evaluate:Command", "published protocols on data sets you have"),
    TableLine("train", "app.commands.train:Command", "networks from recipes and data, exactly resumable"),
    TableLine("cameras", "app.commands.cameras:Command", "cameras of this machine and their modes"),
    TableLine("grabber", "app.commands.grabber:Command", "a camera of this machine for a host elsewhere"),
    TableLine("keys", "app.commands.keys:Command", "keys for cameras of other machines"),
    TableLine("board", "app.commands.board:Command", "a calibration board to print, and its board.yaml"),
    TableLine("models", "app.commands.models:Command", "list, inspect, fetch and import model weights"),
    TableLine("doctor", "app.commands.doctor:Command", "check this machine and say the next step"),
    TableLine("benchmark", "app.commands.benchmark:Command", "measure how fast the parts run here"),
)

COMMANDS = Registry("command", {line.name: line.target for line in TABLE})

DEFAULT_COMMAND = "gui"
