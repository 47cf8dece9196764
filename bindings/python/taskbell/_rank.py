"""Which of the processes of one job tells: the first one."""

from __future__ import annotations

import os
import sys

VARIABLES = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK")
"""Where launchers write the number of a process: torchrun, Slurm, Open MPI, PMIx, MPICH."""


def rank() -> int | None:
    """The number of this process in its job; ``None`` where no launcher has given it one."""
    torch = sys.modules.get("torch.distributed")
    try:
        if torch is not None and torch.is_available() and torch.is_initialized():
            return int(torch.get_rank())
    except Exception:  # a version whose functions differ: the variables have the same number
        pass
    for name in VARIABLES:
        text = os.environ.get(name, "")
        if text.isascii() and text.isdigit():
            return int(text)
    return None


def is_first_rank() -> bool:
    """Whether this process tells. One outside of a job does."""
    return not rank()
