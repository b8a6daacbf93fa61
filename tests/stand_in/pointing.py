"""Points the real SDK, and this project's own settings for it, at the stand-in; before anything is called."""

from __future__ import annotations

import os


def point(url: str) -> None:
    """Plain http instead of https, the stand-in's addresses instead of Azure's, and shorter pauses."""
    import azure.ai.ml._azure_environments as clouds
    import azure.core.pipeline.policies._authentication as authentication
    from azure.ai.ml.constants import _common

    clouds._environments["StandIn"] = {
        "azure_portal": "https://portal.azure.com/",
        "resource_manager": f"{url}/",
        "active_directory": url,
        "aml_resource_id": "https://ml.azure.com",
        "storage_endpoint": "stand-in",
        "registry_discovery_endpoint": f"{url}/",
    }
    _common.STORAGE_ACCOUNT_URLS["AzureBlob"] = url + "/{0}"
    authentication._enforce_https = lambda request: None
    os.environ["AZUREML_CURRENT_CLOUD"] = "StandIn"


if __name__ == "__main__":  # the command `mlops` as a process that meets the stand-in
    from deploy.cli import main

    point(os.environ["STAND_IN_URL"])
    main()
