"""What a workspace stands on: logs, storage, vault, images and the identities."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from infra.components.identities import Identities, IdentitiesConfig
from infra.components.images import Images, ImagesConfig
from infra.components.logs import Logs, LogsConfig
from infra.components.storage import Storage, StorageConfig
from infra.components.vault import Vault, VaultConfig
from infra.place import Place
from infra.profiles import Profile
from infra.settings import StackSettings


@dataclass(frozen=True)
class Opening:
    """How open a stack is to the internet.

    Attributes:
        private: its own network, with private endpoints.
        public: whether the services answer from the internet at all.
        default_action: what happens to an address that is not listed.
        addresses: the listed addresses.
    """

    private: bool
    public: bool
    default_action: str
    addresses: tuple[str, ...]


def opening(profile: Profile, settings: StackSettings) -> Opening:
    """The opening of a stack: `network: public` in one word, or for the first `up` the caller's address only."""
    caller = (settings.caller_address,) if settings.caller_address else ()
    private = profile.private and settings.network == "private"
    addresses = settings.addresses + caller
    if private:
        return Opening(True, bool(caller), "Deny", caller)
    return Opening(False, True, "Deny" if addresses else "Allow", addresses)


@dataclass(frozen=True)
class Foundation:
    """The components on which the workspace stands."""

    logs: Logs
    storage: Storage
    vault: Vault
    images: Images
    identities: Identities


def foundation(place: Place, profile: Profile, settings: StackSettings, tenant: pulumi.Input[str]) -> Foundation:
    """Makes the foundation of dev or prod."""
    way = opening(profile, settings)
    purposes = ["workspace", "cluster", "endpoint"]
    purposes += ["aks", "kubelet", "kubernetes"] if settings.aks else []
    purposes += ["runners"] if way.private else []
    # A registry has no list of addresses below Premium: only the first `up` and public stacks leave it open.
    images = ImagesConfig(profile.images_sku, not way.private, profile.images_zone_redundant)
    return Foundation(
        Logs(place, LogsConfig(profile.log_retention_days, profile.log_cap_gb)),
        Storage(
            place,
            StorageConfig(
                profile.storage_sku,
                way.default_action,
                way.public,
                way.addresses,
                profile.blob_retention_days,
            ),
        ),
        Vault(
            place,
            VaultConfig(
                tenant,
                way.public,
                way.default_action,
                way.addresses,
                profile.vault_retention_days,
                profile.purge_protection,
            ),
        ),
        Images(place, images),
        Identities(place, IdentitiesConfig(purposes)),
    )
