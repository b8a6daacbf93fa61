"""Points the real SDK, and this project's own settings for it, at the stand-in; before anything is called."""

from __future__ import annotations

import os
from typing import Any

POINTED: dict[str, str] = {}


def point(url: str) -> None:
    """Plain http instead of https, the stand-in's addresses instead of Azure's, and shorter pauses."""
    import azure.ai.ml._azure_environments as clouds
    from azure.ai.ml.constants import _common

    from deploy.platforms.azure import sdk

    clouds._environments["StandIn"] = {
        "azure_portal": "https://portal.azure.com/",
        "resource_manager": f"{url}/",
        "active_directory": url,
        "aml_resource_id": "https://ml.azure.com",
        "storage_endpoint": "stand-in",
        "registry_discovery_endpoint": f"{url}/",
    }
    _common.STORAGE_ACCOUNT_URLS["AzureBlob"] = url + "/{0}"
    sdk.LOG_ANALYTICS["StandIn"] = url
    os.environ["AZUREML_CURRENT_CLOUD"] = "StandIn"  # only now: while it is imported the SDK knows Azure's own
    if not POINTED:
        _allow_http()
        _hurry()
    POINTED["url"] = url


def _allow_http() -> None:
    """The stand-in has no certificate."""
    import azure.core.pipeline.policies._authentication as authentication
    from azure.storage.blob._shared.base_client import StorageAccountHostsMixin

    original = StorageAccountHostsMixin.__init__

    def over_http(self: Any, parsed_url: Any, *args: Any, **options: Any) -> None:
        original(self, parsed_url._replace(scheme="https"), *args, **options)
        self.scheme = parsed_url.scheme

    StorageAccountHostsMixin.__init__ = over_http  # type: ignore[method-assign]
    authentication._enforce_https = lambda request: request.context.options.pop("enforce_https", None)


def _hurry() -> None:
    """What takes minutes there takes no time here."""
    from deploy.platforms.azure import deployments, endpoints, sdk
    from deploy.platforms.azure.live import azure_monitor, probes, together

    azure_monitor.GRAIN, azure_monitor.GRAIN_SECONDS = "PT0.2S", 0.2
    together.ASK_EVERY_SECONDS, probes.PAUSE_SECONDS = 0.1, 0.02
    endpoints.LOOK_SECONDS = deployments.POLL_SECONDS = 0.05
    sdk.POLL_SECONDS, sdk.BACKOFF_SECONDS, sdk.PATIENCE_SECONDS = 0.05, 0.05, 5.0
    sdk.RETRIES.update(retry_backoff_factor=0.01, retry_backoff_max=0.1)
    sdk.BLOB_RETRIES.update(initial_backoff=0.01, increment_base=0, random_jitter_range=0)


if __name__ == "__main__":  # the command `mlops` as a process that meets the stand-in
    from deploy.cli import main

    point(os.environ["STAND_IN_URL"])
    main()
