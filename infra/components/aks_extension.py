"""The Azure ML extension inside the AKS cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import kubernetesconfiguration

from infra.components.aks_objects import TLS_SECRET
from infra.place import Place


@dataclass(frozen=True)
class AksExtensionConfig:
    """The cluster and how its inference router answers."""

    cluster_id: pulumi.Input[str]
    cluster_name: pulumi.Input[str]
    purpose: str
    highly_available: bool
    insecure: bool


class AksExtension(pulumi.ComponentResource):
    """Outputs: `extension_id`; `resource` for what depends on it."""

    def __init__(self, place: Place, config: AksExtensionConfig, depends_on: Sequence[pulumi.Resource]) -> None:
        super().__init__("mlops:infra:AksExtension", "aks-extension")
        extension = kubernetesconfiguration.Extension(
            "aks-extension",
            extension_name="azureml",
            extension_type="Microsoft.AzureML.Kubernetes",
            cluster_rp="Microsoft.ContainerService",
            cluster_resource_name="managedClusters",
            cluster_name=config.cluster_name,
            resource_group_name=place.group,
            auto_upgrade_minor_version=True,
            release_train="Stable",
            identity=kubernetesconfiguration.IdentityArgs(type="SystemAssigned"),
            scope=kubernetesconfiguration.ScopeArgs(
                cluster=kubernetesconfiguration.ScopeClusterArgs(release_namespace="azureml")
            ),
            configuration_settings=settings(place, config),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(depends_on),
                # It upgrades itself, and making it anew within the hour fails (2.5).
                ignore_changes=["version", "configurationProtectedSettings"],
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="60m", delete="60m"),
            ),
        )
        self.extension_id, self.resource = extension.id, extension
        self.register_outputs({"extensionId": extension.id})


def host_name(cluster: str, location: str) -> str:
    """The endpoints' name from the cluster's."""
    return f"{cluster}.{location}.internal"


def host(place: Place) -> str:
    """The name under which the endpoints are reached, and which their certificate carries."""
    return host_name(place.names.kubernetes, place.location)


def settings(place: Place, config: AksExtensionConfig) -> dict[str, pulumi.Input[str]]:
    """Every setting that the CLI would inject: a bare extension does not work (2.2). All are strings."""
    given: dict[str, pulumi.Input[str]] = {
        "enableTraining": "false",
        "enableInference": "true",
        "clusterId": config.cluster_id,
        "cluster_name": config.cluster_id,
        "cluster_name_friendly": config.cluster_name,
        "location": place.location,
        "jobSchedulerLocation": place.location,
        "domain": f"{place.location}.cloudapp.azure.com",
        "prometheus.prometheusSpec.externalLabels.cluster_name": config.cluster_id,
        "servicebus.enabled": "false",
        "relayserver.enabled": "false",
        "nginxIngress.enabled": "true",
        "clusterPurpose": config.purpose,
        "inferenceRouterServiceType": "LoadBalancer",
        "internalLoadBalancerProvider": "azure",
        "inferenceRouterHA": str(config.highly_available),
        "allowInsecureConnections": str(config.insecure),
        "installPromOp": "true",
        "installVolcano": "false",
        "installNvidiaDevicePlugin": "false",
        "installDcgmExporter": "false",
    }
    if not config.insecure:
        given |= {"sslCname": host(place), "sslSecret": TLS_SECRET}
    return given
