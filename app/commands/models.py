"""``models list|info|fetch|import|export|detect``: weights made by others, under their own licences."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.command import Result
from app.cli.console import Console
from app.cli.output import columns
from app.commands.models_detect import add_detect_arguments, detect, detect_summary
from app.commands.models_export import add_export_arguments, export_summary, export_weights
from app.commands.models_weights import add_weights_arguments, import_weights, weights_summary
from configs.errors import bad_input

if TYPE_CHECKING:
    from models.zoo import ModelStatus


class Command:
    """The model zoo."""

    description = (
        "List model weights, say where they come from and under which licence, fetch, import or export them."
    )
    example = """
        launch.py models list
        launch.py models fetch blazepose
        launch.py models import blazepose ~/Downloads/pose_models/
        launch.py models import weights.pth --as algebraic --name human36m
        launch.py models export human36m --out human36m.onnx
        launch.py models detect rtmdet-nano people.jpg --out boxes.jpg
        launch.py models export MODEL_FOLDER --part picture --detector rtmdet-nano --out people.pt2
    """
    configurable = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """One sub-command per verb."""
        verbs = parser.add_subparsers(
            dest="verb", required=True, metavar="list|info|fetch|import|export|detect"
        )
        verbs.add_parser("list", description="Every model, and whether it is here.")
        info = verbs.add_parser("info", description="One model: licence, files, sources, folder.")
        fetch = verbs.add_parser(
            "fetch", description="Download a model; resumes, verifies, and does nothing when it is complete."
        )
        fetch.add_argument("--source", metavar="NAME", help="ask only this source (see: models info)")
        fetch.add_argument("--yes", action="store_true", help="accept the licence of the model")
        take = verbs.add_parser(
            "import",
            description="Take a model's files from this machine, without a network. With --as: check trained "
            "weights in any layout and keep them under a name.",
        )
        for verb in (info, fetch):
            verb.add_argument("name", metavar="NAME", help="model, such as blazepose")
        take.add_argument(
            "name", metavar="NAME|FILE", help="model, such as blazepose; with --as the file of weights"
        )
        take.add_argument(
            "paths",
            metavar="PATH",
            type=Path,
            nargs="*",
            help="the model's files, a wheel or a folder that holds them",
        )
        add_weights_arguments(take)
        add_export_arguments(
            verbs.add_parser(
                "export",
                description="Write a network as one file that other programs run, after comparing the two.",
            )
        )

        add_detect_arguments(
            verbs.add_parser("detect", description="Where a person detector sees people in one picture.")
        )

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Run the verb."""
        from models import zoo

        if args.verb == "list":
            from models.zoo.imported import imported_names
            from models.zoo.shipped import shipped_names

            return {
                "models": [_described(status) for status in zoo.list_models()],
                "imported": imported_names(),
                "shipped": shipped_names(),
            }
        if args.verb == "info":
            return _described(zoo.info(args.name))
        if args.verb == "import" and args.kind is not None:
            return import_weights(args)
        if args.verb == "detect":
            return detect(args)
        if args.verb == "export":
            return export_weights(args, console)
        if args.verb == "import":
            if not args.paths:
                raise bad_input("say where its files are: PATH", value=args.name, hint="or --as KIND")
            return _described(zoo.import_files(args.name, args.paths))
        before = zoo.info(args.name)
        if before.ready:
            return _described(before) | {"fetched": False}
        licence = before.entry.licence
        console.tell(f"{args.name}: {licence.name}, by {licence.holder} ({licence.url}). {licence.terms}")
        with console.progress(f"fetching {args.name}", None, "B") as bar:
            # Files come one after the other, or in one archive; the bar counts all of them.
            here: dict[str, int] = {}
            sizes = {file: entry.size or 0 for file, entry in before.entry.files.items()}

            def show(file: str, done: int, total: int) -> None:
                here[file] = done
                whole = total if file not in sizes else sum(sizes.values())
                bar.update(sum(here.values()), total=whole or None, note=file)

            status = zoo.fetch(args.name, accept_licence=args.yes, source=args.source, progress=show)
        return _described(status) | {"fetched": True}

    def summary(self, result: Mapping[str, Any]) -> str:
        """A table for ``list``, otherwise one model."""
        if "models" in result:
            rows = [("model", "here", "MB", "licence", "what it is")]
            rows += [
                (
                    model["name"],
                    "yes" if model["ready"] else "no",
                    f"{model['size_bytes'] / 1e6:.1f}" if model["size_bytes"] else "?",
                    model["licence"]["name"],
                    model["title"],
                )
                for model in result["models"]
            ]
            listed = columns(rows)
            if result["shipped"]:
                listed += f"\nwith the program: {', '.join(result['shipped'])}"
            if result["imported"]:
                listed += f"\nimported: {', '.join(result['imported'])}"
            return listed
        if "differences" in result or "mpjpe_change_mm" in result or "largest_relative_difference" in result:
            return export_summary(result)
        if "boxes" in result:
            return detect_summary(result)
        if "architecture" in result:
            return weights_summary(result)
        if "fetched" in result:
            done = "fetched to" if result["fetched"] else "is already in"
        else:
            done = "is in" if result["ready"] else "is not here; it would be in"
        lines = [f"{result['name']} {done} {result['folder']}", f"  {result['title']}"]
        if "fetched" in result:
            return lines[0]
        licence = result["licence"]
        lines.append(f"  licence {licence['name']}, {licence['holder']}, {licence['url']}")
        if licence["terms"]:
            lines.append(f"  {licence['terms']}")
        lines += [
            f"  file {file['name']}: {_megabytes(file['size_bytes'])}, {file['problem'] or 'verified'}"
            + ("" if file["sha256"] else ", proven by its archive: nobody published its own SHA-256")
            for file in result["files"]
        ]
        lines.append(f"  sources, in this order: {', '.join(result['sources'])}")
        return "\n".join(lines)


def _megabytes(size: int | None) -> str:
    return f"{size / 1e6:.1f} MB" if size else "size not published"


def _described(status: ModelStatus) -> Result:
    entry = status.entry
    return {
        "name": status.name,
        "title": entry.title,
        "ready": status.ready,
        "skeleton": entry.skeleton,
        "size_bytes": entry.size,
        "licence": entry.licence.model_dump(),
        "folder": status.folder,
        "files": [
            {
                "name": name,
                "size_bytes": file.size,
                "sha256": file.sha256,
                "problem": status.problems.get(name),
            }
            for name, file in entry.files.items()
        ],
        "sources": [source.name for source in entry.sources],
    }
