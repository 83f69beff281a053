"""Whether a network is PyTorch's, told without importing PyTorch."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    import torch


def is_torch_module(network: object) -> TypeGuard[torch.nn.Module]:
    """Whether a network is a ``torch.nn.Module``; where PyTorch is not loaded, none is."""
    torch: Any = sys.modules.get("torch")
    return torch is not None and isinstance(network, torch.nn.Module)
