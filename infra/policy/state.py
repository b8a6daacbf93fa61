"""In which state of its network a stack is, from its configuration."""

from __future__ import annotations

from collections.abc import Mapping


def network_state(config: Mapping[str, str], project: str = "mlops") -> str:
    """private, public (`network: public`), or opening (the first `up`, which lets the caller in)."""
    if config.get(f"{project}:network") == "public":
        return "public"
    return "opening" if config.get(f"{project}:callerAddress") else "private"
