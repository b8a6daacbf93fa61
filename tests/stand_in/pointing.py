"""Points the real SDK, and this project's own settings for it, at the stand-in; before anything is called."""

from __future__ import annotations

import os
from typing import Any


def point(url: str) -> None:
    """Plain http instead of https, the stand-in's addresses instead of Azure's, and shorter pauses."""
    import azure.ai.ml._azure_environments as clouds
    import azure.core.pipeline.policies._authentication as authentication
    from azure.ai.ml.constants import _common
    from azure.storage.blob._shared.base_client import StorageAccountHostsMixin

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
    authentication._enforce_https = lambda request: request.context.options.pop("enforce_https", None)
    original = StorageAccountHostsMixin.__init__

    def over_http(self: Any, parsed_url: Any, *args: Any, **options: Any) -> None:
        original(self, parsed_url._replace(scheme="https"), *args, **options)
        self.scheme = parsed_url.scheme

    StorageAccountHostsMixin.__init__ = over_http  # type: ignore[method-assign]
    sdk.LOG_ANALYTICS["StandIn"] = url
    sdk.POLL_SECONDS, sdk.BACKOFF_SECONDS, sdk.PATIENCE_SECONDS = 0.05, 0.05, 5.0
    sdk.RETRIES.update(retry_backoff_factor=0.01, retry_backoff_max=0.1)
    os.environ["AZUREML_CURRENT_CLOUD"] = "StandIn"  # only now: while it is imported the SDK knows Azure's own


if __name__ == "__main__":  # the command `mlops` as a process that meets the stand-in
    from deploy.cli import main

    point(os.environ["STAND_IN_URL"])
    main()
