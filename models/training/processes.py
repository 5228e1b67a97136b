"""The processes of one run: a single one, or as many as ``torchrun`` started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from configs.errors import bad_input


@dataclass(frozen=True)
class Processes:
    """Which of them this one is.

    Attributes:
        rank: From 0; 0 is the one that writes and speaks.
        count: Number of processes.
        device: torch device of this one.
    """

    rank: int
    count: int
    device: str

    @property
    def leads(self) -> bool:
        """Whether this one writes files and speaks."""
        return self.rank == 0

    def added_up(self, values: Tensor) -> Tensor:
        """The sum over all processes, in each of them."""
        if self.count > 1:
            values = values.to(self.device)
            distributed.all_reduce(values)
        return values.cpu()

    def wait(self) -> None:
        """Until all processes have come here."""
        if self.count > 1:
            distributed.barrier()


@contextmanager
def joined_processes(device: str) -> Iterator[Processes]:
    """Join the processes that ``torchrun`` started; a single one where it did not.

    Args:
        device: ``cpu`` or ``cuda``; with a GPU, each process of a machine takes one.

    Raises:
        BadInputError: There are more processes on this machine than GPUs.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(0, 1, device)
        return
    rank, local = int(os.environ["RANK"]), int(os.environ.get("LOCAL_RANK", "0"))
    if device == "cuda":
        if local >= torch.cuda.device_count():
            raise bad_input(
                "there are more processes than GPUs on this machine",
                key="--nproc-per-node",
                allowed=f"at most {torch.cuda.device_count()}",
            )
        torch.cuda.set_device(local)
        device = f"cuda:{local}"
    distributed.init_process_group("nccl" if device != "cpu" else "gloo")
    try:
        yield Processes(rank, count, device)
    finally:
        distributed.destroy_process_group()
