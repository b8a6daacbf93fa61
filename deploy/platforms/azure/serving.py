"""How a stack serves: on managed or Kubernetes endpoints, by which keys, with how many instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deploy.platforms.azure.outputs import Outputs
from deploy.release.policy import Policy
from ml.fault import invalid

Compute = Literal["managed", "kubernetes"]


@dataclass(frozen=True)
class Serving:
    """What the rollout policy and the stack's outputs say together.

    Attributes:
        compute: managed or kubernetes.
        auth: key, aml_token or aad_token.
        instances: how many serve, at least.
        most_instances: up to how many it scales by itself; None scales nothing.
        instance_type: None takes the deployment asset's.
    """

    compute: Compute
    auth: str = "key"
    instances: int = 1
    most_instances: int | None = None
    instance_type: str | None = None

    @property
    def is_managed(self) -> bool:
        """Whether Azure's own machines serve."""
        return self.compute == "managed"


def serving_of(policy: Policy, outputs: Outputs, where: str) -> Serving:
    """AKS where a cluster is attached, otherwise a managed endpoint; the policy's word overrides it.

    Raises:
        Fault: the policy asks for what the stack does not have, or the service does not support.
    """
    wanted = policy.serving
    compute = wanted.compute or ("kubernetes" if outputs.has_kubernetes else "managed")
    if compute == "kubernetes" and not outputs.has_kubernetes:
        remedy = "leave `serving.compute` out, or attach a cluster (docs/infrastructure.md)"
        raise invalid(f"no AKS cluster is attached to {outputs.stack}", where, remedy)
    if compute == "kubernetes" and wanted.auth == "aad_token":
        raise invalid("endpoints on AKS take no Entra token", where, "`serving.auth`: key or aml_token")
    if compute == "kubernetes" and wanted.instance_type and wanted.instance_type not in outputs.instance_types:
        known = ", ".join(outputs.instance_types) or "none"
        raise invalid(f"the cluster has no instance type `{wanted.instance_type}`", where, f"it has: {known}")
    if compute == "managed" and wanted.most_instances:
        remedy = "leave `serving.most_instances` out; `az monitor autoscale create` scales a managed deployment"
        raise invalid("a managed deployment does not scale by a setting of its own", where, remedy)
    return Serving(compute, wanted.auth, wanted.instances, wanted.most_instances, wanted.instance_type)
