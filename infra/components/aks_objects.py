"""What stands inside the cluster: the namespaces, the instance types, the endpoint's certificate."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import yaml
from pulumi_azure_native import containerservice

from infra.place import Place

NAMESPACE = "models"
TLS_SECRET = "endpoint-certificate"  # noqa: S105 a name, not a secret
INSTANCE_TYPES = {"small": ("500m", "1", "2Gi", "4Gi"), "medium": ("2", "2", "4Gi", "8Gi")}


@dataclass(frozen=True)
class AksObjectsConfig:
    """The cluster, and the vault's certificate that the endpoints show; an empty name is plain HTTP.

    Attributes:
        cluster: the cluster's name.
        vault: the vault's name.
        tenant_id: the Entra tenant.
        certificate: the certificate's name in the vault.
        secrets_client: the client id with which the cluster's secrets add-on reads the vault.
    """

    cluster: pulumi.Input[str]
    vault: str
    tenant_id: pulumi.Input[str]
    certificate: str
    secrets_client: pulumi.Input[str]


def entra_kubeconfig(encoded: str) -> str:
    """The cluster's kubeconfig with the login of `az` in the place of any credential of its own."""
    config: dict[str, Any] = yaml.safe_load(base64.b64decode(encoded))
    arguments = ["get-token", "--login", "azurecli", "--server-id", "6dae42f8-4368-4678-94ff-3960e28e3630"]
    plugin = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "kubelogin", "args": arguments}
    for user in config["users"]:
        user["user"] = {"exec": plugin | {"interactiveMode": "Never"}}
    return yaml.safe_dump(config)


class AksObjects(pulumi.ComponentResource):
    """Outputs: `namespace`, `instance_types`; `ready` and `before_extension` for what depends on them."""

    def __init__(self, place: Place, config: AksObjectsConfig, depends_on: list[pulumi.Resource]) -> None:
        super().__init__("mlops:infra:AksObjects", "aks-objects")
        found = containerservice.list_managed_cluster_user_credentials_output(
            resource_group_name=place.group, resource_name=config.cluster
        )
        kubeconfig = found.apply(lambda made: entra_kubeconfig(made.kubeconfigs[0].value))
        self.cluster = k8s.Provider(
            "cluster",
            kubeconfig=pulumi.Output.secret(kubeconfig),
            enable_server_side_apply=True,
            opts=pulumi.ResourceOptions(parent=self, depends_on=depends_on),
        )
        self.before_extension = self._certificate(config) if config.certificate else []
        models = self._namespace(NAMESPACE)
        self.namespace, self.ready = models.metadata.apply(lambda made: made.name), [models]
        self.register_outputs({"namespace": self.namespace})

    def _opts(self, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, provider=self.cluster, **more)

    def _namespace(self, name: str) -> k8s.core.v1.Namespace:
        return k8s.core.v1.Namespace(
            f"namespace-{name}", metadata=k8s.meta.v1.ObjectMetaArgs(name=name), opts=self._opts()
        )

    def instance_types(self, extension: pulumi.Resource) -> list[pulumi.Resource]:
        """The sizes a deployment may ask for; their kind comes with the extension (2.5)."""
        made: list[pulumi.Resource] = []
        for name, (cpu, cpu_limit, memory, memory_limit) in INSTANCE_TYPES.items():
            resources = {
                "requests": {"cpu": cpu, "memory": memory},
                "limits": {"cpu": cpu_limit, "memory": memory_limit, "nvidia.com/gpu": None},
            }
            made.append(
                k8s.apiextensions.CustomResource(
                    f"instance-type-{name}",
                    api_version="amlarc.azureml.com/v1alpha1",
                    kind="InstanceType",
                    metadata={"name": name},
                    spec={"resources": resources},
                    opts=self._opts(depends_on=[extension]),
                )
            )
        return made

    def _certificate(self, config: AksObjectsConfig) -> list[pulumi.Resource]:
        """The vault's certificate as a TLS secret that follows its renewals; no key passes through Pulumi."""
        namespace = self._namespace("azureml")
        wanted = f"array:\n  - |\n    objectName: {config.certificate}\n    objectType: secret\n"
        data = [{"objectName": config.certificate, "key": key} for key in ("tls.key", "tls.crt")]
        source = k8s.apiextensions.CustomResource(
            "certificate",
            api_version="secrets-store.csi.x-k8s.io/v1",
            kind="SecretProviderClass",
            metadata={"name": TLS_SECRET, "namespace": "azureml"},
            spec={
                "provider": "azure",
                "secretObjects": [{"secretName": TLS_SECRET, "type": "kubernetes.io/tls", "data": data}],
                "parameters": {
                    "useVMManagedIdentity": "true",
                    # A node has several identities: without a name the driver would take none of them.
                    "userAssignedIdentityID": config.secrets_client,
                    "keyvaultName": config.vault,
                    "tenantId": config.tenant_id,
                    "objects": wanted,
                },
            },
            opts=self._opts(depends_on=[namespace]),
        )
        return [namespace, self._keeper(source)]

    def _keeper(self, source: pulumi.Resource) -> k8s.apps.v1.Deployment:
        """The secret lives as long as a pod mounts it: one pod that does nothing else."""
        labels = {"app": TLS_SECRET}
        pod = {
            "containers": [
                {
                    "name": "pause",
                    "image": "mcr.microsoft.com/oss/kubernetes/pause:3.9",
                    "volumeMounts": [{"name": "certificate", "mountPath": "/certificate", "readOnly": True}],
                    "resources": {"limits": {"cpu": "10m", "memory": "16Mi"}},
                }
            ],
            "volumes": [
                {
                    "name": "certificate",
                    "csi": {
                        "driver": "secrets-store.csi.k8s.io",
                        "readOnly": True,
                        "volumeAttributes": {"secretProviderClass": TLS_SECRET},
                    },
                }
            ],
        }
        return k8s.apps.v1.Deployment(
            "certificate-keeper",
            metadata={"name": TLS_SECRET, "namespace": "azureml"},
            spec={
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
            opts=self._opts(depends_on=[source]),
        )
