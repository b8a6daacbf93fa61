"""Every name of a stack's resources, from one pure function."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Names:
    """The physical names, after Microsoft's abbreviations; the suffix makes them unique in the world."""

    group: str
    logs: str
    insights: str
    storage: str
    vault: str
    images: str
    workspace: str
    cluster: str
    gpu_cluster: str
    memory_cluster: str
    kubernetes: str
    attached: str
    registry: str
    network: str
    runners: str
    action_group: str
    budget: str

    def identity(self, purpose: str) -> str:
        """The name of the managed identity for a purpose."""
        return f"id-{self.group.removeprefix('rg-')}-{purpose}"

    def instance(self, user: str) -> str:
        """The name of a user's compute instance: letters, digits, single hyphens, each before a letter."""
        return f"ci-{re.sub('[^a-z0-9]', '', user.lower())[:12]}-{self.cluster.rsplit('-', 1)[-1]}"


# Length and form of each name; where sources differ, the narrower.
FORMS: dict[str, tuple[int, int, str]] = {
    "group": (1, 90, r"[A-Za-z0-9_.()-]*[A-Za-z0-9_()-]"),
    "logs": (4, 63, r"[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]"),
    "insights": (1, 255, r"[A-Za-z0-9_.()-]*[A-Za-z0-9_()-]"),
    "storage": (3, 24, r"[a-z0-9]+"),
    "vault": (3, 24, r"[A-Za-z](?:-?[A-Za-z0-9])*"),
    "images": (5, 50, r"[A-Za-z0-9]+"),
    "workspace": (3, 33, r"[A-Za-z0-9][A-Za-z0-9_-]*"),
    "cluster": (3, 24, r"[A-Za-z](?:[A-Za-z0-9]|-(?=[A-Za-z]))*"),
    "gpu_cluster": (3, 24, r"[A-Za-z](?:[A-Za-z0-9]|-(?=[A-Za-z]))*"),
    "memory_cluster": (3, 24, r"[A-Za-z](?:[A-Za-z0-9]|-(?=[A-Za-z]))*"),
    "kubernetes": (1, 63, r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?"),
    "attached": (2, 16, r"[A-Za-z](?:[A-Za-z0-9]|-(?=[A-Za-z]))*"),
    "registry": (2, 32, r"[A-Za-z0-9][A-Za-z0-9_-]*"),
    "network": (2, 64, r"[A-Za-z0-9][A-Za-z0-9_.-]*[A-Za-z0-9_]"),
    "runners": (2, 32, r"[a-z](?:-?[a-z0-9])*"),
    "action_group": (1, 260, r"[A-Za-z0-9_.-]+"),
    "budget": (1, 63, r"[A-Za-z0-9_-]+"),
}


def suffix(repository: str) -> str:
    """Five characters that stay with a repository: a letter first, as compute names want after a hyphen."""
    digest = int.from_bytes(hashlib.sha256(repository.lower().encode()).digest()[:8], "big")
    letters, alphabet = "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz0123456789"
    word = letters[digest % 26]
    for power in range(4):
        word += alphabet[digest // 26 // 36**power % 36]
    return word


def names(prefix: str, stack: str, tail: str) -> Names:
    """The names of one stack; `tail` is the stable suffix."""
    dashed, plain = f"{prefix}-{stack}", f"{prefix}{stack}".replace("-", "")
    return Names(
        group=f"rg-{dashed}",
        logs=f"log-{dashed}-{tail}",
        insights=f"appi-{dashed}-{tail}",
        storage=f"st{plain}{tail}",
        vault=f"kv-{dashed}-{tail}",
        images=f"cr{plain}{tail}",
        workspace=f"mlw-{dashed}-{tail}",
        cluster=f"cpu-{stack}-{tail}",
        gpu_cluster=f"gpu-{stack}-{tail}",
        memory_cluster=f"mem-{stack}-{tail}",
        kubernetes=f"aks-{dashed}-{tail}",
        attached=f"aks-{stack}",
        registry=f"mlr-{prefix}-{tail}",
        network=f"vnet-{dashed}-{tail}",
        runners=f"run-{dashed}-{tail}",
        action_group=f"ag-{dashed}",
        budget=f"budget-{dashed}",
    )


def name_faults(given: Names) -> list[str]:
    """One sentence for each name that Azure would refuse, with its length and what would be right."""
    faults = []
    for field, name in asdict(given).items():
        shortest, longest, form = FORMS[field]
        if len(name) > longest:
            over = len(name) - longest
            faults.append(
                f"the {field} name `{name}` has {len(name)} characters of at most {longest}:"
                f" shorten `prefix` by {over} or more"
            )
        elif len(name) < shortest or not re.fullmatch(form, name):
            faults.append(f"the {field} name `{name}` is not of the form {form}: change `prefix`")
    return faults
