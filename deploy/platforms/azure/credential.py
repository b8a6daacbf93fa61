"""Whoever is logged in, asked for a token once and not for every client."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

RENEW_SECONDS = 300  # before its end
MANAGED = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT", "AZURE_CLIENT_ID")


class Kept:
    """A credential whose tokens are kept until shortly before they end.

    The SDK builds some twenty clients, each with a token of its own; `az` takes up to a second for one.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._tokens: dict[tuple[str, ...], Any] = {}
        self._lock = threading.Lock()

    def get_token(self, *scopes: str, **options: Any) -> Any:
        """See azure-core's `TokenCredential`; a challenge's claims are never answered from what is kept."""
        if options.get("claims"):
            return self._inner.get_token(*scopes, **options)
        with self._lock:
            known = self._tokens.get(scopes)
            if known is None or known.expires_on - time.time() < RENEW_SECONDS:
                known = self._tokens[scopes] = self._inner.get_token(*scopes, **options)
        return known

    def forget(self) -> None:
        """The service refuses the token: the next call asks anew."""
        with self._lock:
            self._tokens.clear()


def logged_in() -> Kept:
    """A workflow's or a service's own identity, or the person who said `az login`."""
    import logging

    from azure.identity import DefaultAzureCredential

    logging.getLogger("azure.identity").setLevel(logging.CRITICAL)  # what failed is told by the fault
    # Looking for a managed identity takes seconds where there is none.
    managed = any(os.environ.get(name) for name in MANAGED)
    return Kept(
        DefaultAzureCredential(
            exclude_managed_identity_credential=not managed,
            exclude_shared_token_cache_credential=True,
            exclude_visual_studio_code_credential=True,
            exclude_powershell_credential=True,
            exclude_developer_cli_credential=True,
            exclude_broker_credential=True,
            process_timeout=30,
        )
    )
