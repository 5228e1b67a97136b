"""``keys``: who this machine is, and which other machines it trusts."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.console import Console


class Command:
    """Make, show and exchange keys."""

    description = (
        "Cameras of other machines send their pictures encrypted, and only to machines they trust. Each "
        "machine has a key of its own: its secret half stays here, in a file that only its owner can read; "
        "the public half, one word, is given to the other machine. Both sides must trust each other."
    )
    example = """
        launch.py keys new
        launch.py keys show
        launch.py keys trust stage-left mzxw6ytboi…
        launch.py keys forget stage-left
    """
    configurable = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """One sub-command per verb."""
        parser.set_defaults(keys=None)
        verbs = parser.add_subparsers(dest="verb", metavar="new|show|trust|forget", help="show when left out")
        new = verbs.add_parser("new", description="Make this machine's own key.")
        new.add_argument(
            "--replace", action="store_true", help="in place of the one there is, which others then forget"
        )
        show = verbs.add_parser("show", description="This machine's public key, and whom it trusts.")
        trust = verbs.add_parser("trust", description="Let another machine in.")
        trust.add_argument("name", metavar="NAME", help="how the machine is called here, such as stage-left")
        trust.add_argument(
            "key", metavar="KEY", help="what launch.py keys show prints there, or a file with it"
        )
        forget = verbs.add_parser("forget", description="Trust a machine no longer.")
        forget.add_argument("name", metavar="NAME", help="as it was given to trust")
        for verb in (new, show, trust, forget):
            verb.add_argument(
                "--keys", type=Path, metavar="DIR", help="folder of the keys (that of the user's settings)"
            )

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Run the verb."""
        from pipeline.remote.keys import KeyRing, key_text

        del console
        ring = KeyRing(args.keys.expanduser() if args.keys is not None else None)
        did = ""
        if args.verb == "new":
            ring.create(replace=args.replace)
            did = f"made {ring.own_file}"
        elif args.verb == "trust":
            new = ring.trust(args.name, args.key)
            did = f"{args.name} is trusted from now on" if new else f"{args.name} was trusted already"
        elif args.verb == "forget":
            ring.forget(args.name)
            did = f"{args.name} is trusted no longer"
        public = key_text(ring.own().public) if ring.own_file.exists() else None
        return {
            "did": did,
            "folder": ring.folder,
            "public": public,
            "trusted": {name: key_text(key) for name, key in ring.trusted().items()},
        }

    def summary(self, result: Mapping[str, Any]) -> str:
        """The public key, ready to be copied."""
        lines = [result["did"]] if result["did"] else []
        if result["public"] is not None:
            lines.append(f"public key of this machine: {result['public']}")
        trusted = result["trusted"]
        lines += [f"trusts {name}: {key}" for name, key in trusted.items()]
        return "\n".join(lines or ["this machine has no key; make one with launch.py keys new"])
