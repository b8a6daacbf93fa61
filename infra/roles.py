"""Azure's built-in roles that this program hands out, by name."""

from __future__ import annotations

# Each name and id as in learn.microsoft.com/azure/role-based-access-control/built-in-roles (the page of 2026-04-09).
# `mlops doctor` resolves each by name (`az role definition list`) and says where one differs.
ROLES: dict[str, str] = {
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    "Azure AI Enterprise Network Connection Approver": "b556d68e-0be0-4f35-a333-ad7ee1ce17ea",
    "Azure Kubernetes Service Cluster Admin Role": "0ab0b1a8-8aac-4efd-b8c2-3ee1fb270be8",
    "Azure Kubernetes Service Cluster User Role": "4abbcc35-e782-43d8-92c5-2d3f1bd2253f",
    "Azure Kubernetes Service Contributor Role": "ed7f3fbd-7b88-4dd4-9017-9adb7ce333f8",
    "Azure Kubernetes Service RBAC Cluster Admin": "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b",
    "Azure Kubernetes Service RBAC Reader": "7f6c6a51-bcf8-42ba-9220-52d62157d7db",
    "AzureML Compute Operator": "e503ece1-11d0-4e8e-8e2c-7a6c3bf38815",
    "AzureML Data Scientist": "f6c7c914-8db3-469d-8ca1-694a8f32e121",
    "AzureML Metrics Writer (preview)": "635dd51f-9968-44d3-b7fb-6d9a6bd613ae",
    "AzureML Registry User": "1823dd4f-9b8c-4ab6-ab4e-7397a3684615",
    "Container Apps Jobs Operator": "b9a307c4-5aa3-4b52-ba60-2b17c136cd7b",
    "Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "Key Vault Administrator": "00482a5a-887f-4fb3-b363-3b7fe8e74483",
    "Key Vault Certificates Officer": "a4417e6f-fecd-4de8-b567-7b0420556985",
    "Key Vault Crypto User": "12338af0-0e69-4776-bea7-57ae8d297424",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Kubernetes Extension Contributor": "85cb6faf-e071-4c9b-8136-154b5a04f717",
    "Managed Identity Operator": "f1a07417-d97a-45cb-824c-7a7467783830",
    "Network Contributor": "4d97b98b-1d4f-4787-a291-c67834d212e7",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "Role Based Access Control Administrator": "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Storage File Data Privileged Contributor": "69566ab7-960f-475b-8e7c-b3118f30c6bd",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
}


def only_roles(roles: list[str]) -> str:
    """The ABAC condition under which a deployer may write or delete assignments of these roles only.

    The form is Microsoft's ("Constrain roles", learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-examples).
    """
    allowed = ", ".join(ROLES[role] for role in sorted(roles))
    clauses = []
    for verb, source in (("write", "Request"), ("delete", "Resource")):
        action = f"!(ActionMatches{{'Microsoft.Authorization/roleAssignments/{verb}'}})"
        attribute = f"@{source}[Microsoft.Authorization/roleAssignments:RoleDefinitionId]"
        clauses.append(f"(({action}) OR ({attribute} ForAnyOfAnyValues:GuidEquals {{{allowed}}}))")
    return " AND ".join(clauses)


BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
CHANGES = ("write", "add/action", "delete", "move/action")


def only_below(container: str, folder: str) -> str:
    """The ABAC condition under which blobs are changed in one folder of a container only; reading is left as it is.

    The form is Microsoft's ("Blob names or paths", learn.microsoft.com/azure/storage/blobs/storage-auth-abac-examples).
    """
    changes = " AND ".join(f"!(ActionMatches{{'{BLOBS}/{change}'}})" for change in CHANGES)
    place = f"@Resource[{BLOBS.removesuffix('/blobs')}:name] StringEquals '{container}'"
    return f"(({changes}) OR ({place} AND @Resource[{BLOBS}:path] StringLike '{folder}/*'))"
