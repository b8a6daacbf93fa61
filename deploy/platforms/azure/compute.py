"""The words for compute in our YAML, and what the stack calls them."""

from __future__ import annotations

from deploy.platforms.azure.outputs import Outputs
from ml.fault import invalid

# Our word, and Pulumi's in `mlops:clusters`; `cpu-small` is always there. Sizes: deploy/assets/compute/.
CLUSTERS = {"memory-optimised": "memory", "gpu": "gpu"}
SMALL = "cpu-small"


def cluster(outputs: Outputs, word: str) -> str:
    """The name of the stack's cluster for a word such as `gpu`; another name is a cluster's own.

    Raises:
        Fault: the stack was brought up without that cluster.
    """
    word = word.removeprefix("azureml:")
    if word == SMALL:
        return outputs.cluster_name
    if word not in CLUSTERS:
        return word
    made = outputs.extra_clusters.get(CLUSTERS[word])
    if made is None:
        remedy = f"pulumi config set --stack {outputs.stack} mlops:clusters {CLUSTERS[word]}, then pulumi up"
        raise invalid(f"the stack {outputs.stack} has no cluster `{word}`", "compute", remedy)
    return made
