"""Rules of what holds data: storage, vault, images."""

from __future__ import annotations

from infra.policy.rule import Props, Rule, at, be

PROD = ("prod",)
_STORAGE, _VAULT, _IMAGES = ("storage:StorageAccount",), ("keyvault:Vault",), ("containerregistry:Registry",)


def _kept(props: Props) -> bool:
    """Deleted blobs and containers come back."""
    both = ("deleteRetentionPolicy", "containerDeleteRetentionPolicy")
    return all(at(props, f"{one}.enabled") is True and at(props, f"{one}.days") >= 7 for one in both)


STORAGE = (
    Rule(
        "storage-https",
        _STORAGE,
        "storage answers over HTTPS only",
        be("enableHttpsTrafficOnly", True),
        ("CKV_AZURE_3",),
    ),
    Rule(
        "storage-tls",
        _STORAGE,
        "storage wants TLS 1.2",
        be("minimumTlsVersion", "TLS1_2", "TLS1_3"),
        ("CKV_AZURE_44",),
    ),
    Rule(
        "storage-no-keys",
        _STORAGE,
        "storage takes no shared keys",
        be("allowSharedKeyAccess", False),
        ("CKV2_AZURE_40", "ST2"),
    ),
    Rule(
        "storage-no-anonymous",
        _STORAGE,
        "no blob is public",
        be("allowBlobPublicAccess", False),
        ("CKV_AZURE_59", "CKV_AZURE_190", "CKV2_AZURE_47", "Azure.Storage.BlobPublicAccess"),
    ),
    Rule(
        "container-private",
        ("storage:BlobContainer",),
        "a container is private",
        be("publicAccess", "None"),
        ("CKV_AZURE_59",),
    ),
    Rule(
        "storage-no-local-users",
        _STORAGE,
        "storage has no local users",
        be("isLocalUserEnabled", False),
        ("CKV_AZURE_244",),
    ),
    Rule("storage-no-sftp", _STORAGE, "storage speaks no SFTP", be("isSftpEnabled", False), ("ST2",)),
    Rule(
        "storage-one-tenant",
        _STORAGE,
        "nothing is copied to another tenant",
        be("allowCrossTenantReplication", False),
        ("ST2",),
    ),
    Rule(
        "storage-entra",
        _STORAGE,
        "the portal asks with Entra",
        be("defaultToOAuthAuthentication", True),
        ("ST2",),
    ),
    Rule(
        "storage-encrypted-twice",
        _STORAGE,
        "storage is encrypted in the infrastructure too",
        be("encryption.requireInfrastructureEncryption", True),
        ("ST3",),
    ),
    Rule(
        "storage-sas",
        _STORAGE,
        "a SAS has an end",
        lambda p: bool(at(p, "sasPolicy.sasExpirationPeriod")),
        ("CKV2_AZURE_41",),
    ),
    Rule(
        "storage-flat",
        _STORAGE,
        "the workspace's storage is StorageV2 without HNS",
        lambda p: (
            at(p, "kind") == "StorageV2"
            and at(p, "isHnsEnabled") is not True
            and "Premium" not in str(at(p, "sku.name"))
        ),
        ("ST1",),
    ),
    Rule(
        "storage-bypass",
        _STORAGE,
        "Azure's own services pass the firewall",
        be("networkRuleSet.bypass", "AzureServices"),
        ("CKV_AZURE_36",),
    ),
    Rule(
        "storage-firewall",
        _STORAGE,
        "an address that is not listed is refused",
        be("networkRuleSet.defaultAction", "Deny"),
        ("CKV_AZURE_35", "Azure.Storage.Firewall"),
    ),
    Rule(
        "storage-private",
        _STORAGE,
        "storage is reached by private endpoints",
        be("publicNetworkAccess", "Disabled"),
        ("CKV2_AZURE_33",),
        PROD,
    ),
    Rule(
        "storage-redundant",
        _STORAGE,
        "data is in three zones",
        be("sku.name", "Standard_ZRS", "Standard_GZRS", "Standard_RAGZRS"),
        ("CKV_AZURE_206",),
        PROD,
    ),
    Rule(
        "storage-soft-delete",
        ("storage:BlobServiceProperties",),
        "deleted blobs and containers come back",
        _kept,
        ("CKV2_AZURE_38",),
    ),
    Rule(
        "storage-versions",
        ("storage:BlobServiceProperties",),
        "blobs keep their versions",
        be("isVersioningEnabled", True),
        ("CKV2_AZURE_38",),
    ),
)
VAULT = (
    Rule(
        "vault-roles",
        _VAULT,
        "the vault is opened by roles",
        be("properties.enableRbacAuthorization", True),
        ("Azure.KeyVault.RBAC", "K1"),
    ),
    Rule(
        "vault-soft-delete",
        _VAULT,
        "deleted secrets come back",
        lambda p: at(p, "properties.enableSoftDelete") is not False,
        ("CKV_AZURE_111",),
    ),
    Rule(
        "vault-never-false",
        _VAULT,
        "purge protection is on or left out: the service refuses a False",
        be("properties.enablePurgeProtection", True, None),
        ("K1",),
    ),
    Rule(
        "vault-purge-protection",
        _VAULT,
        "the vault cannot be purged",
        be("properties.enablePurgeProtection", True),
        ("CKV_AZURE_110", "CKV_AZURE_42"),
        PROD,
    ),
    Rule(
        "vault-retention",
        _VAULT,
        "deleted secrets come back for 90 days",
        be("properties.softDeleteRetentionInDays", 90),
        ("CKV_AZURE_42", "K1"),
        PROD,
    ),
    Rule(
        "vault-firewall",
        _VAULT,
        "an address that is not listed is refused",
        be("properties.networkAcls.defaultAction", "Deny"),
        ("CKV_AZURE_109",),
    ),
    Rule(
        "vault-bypass",
        _VAULT,
        "Azure's own services pass the firewall",
        be("properties.networkAcls.bypass", "AzureServices"),
        ("CKV_AZURE_109",),
    ),
    Rule(
        "vault-private",
        _VAULT,
        "the vault is reached by private endpoint",
        be("properties.publicNetworkAccess", "Disabled"),
        ("CKV_AZURE_189", "CKV2_AZURE_32"),
        PROD,
    ),
    Rule(
        "vault-no-machines",
        _VAULT,
        "no machine, disk or template takes secrets by itself",
        lambda p: (
            not any(
                at(p, f"properties.enabledFor{what}") for what in ("Deployment", "DiskEncryption", "TemplateDeployment")
            )
        ),
        ("K2",),
    ),
    Rule(
        "secret-has-type-and-end",
        ("keyvault:Secret",),
        "a secret has a content type and an end",
        lambda p: bool(at(p, "properties.contentType")) and bool(at(p, "properties.attributes.expires")),
        ("CKV_AZURE_41", "CKV_AZURE_114"),
    ),
)
IMAGES = (
    Rule(
        "images-no-admin",
        _IMAGES,
        "the registry has no admin user",
        be("adminUserEnabled", False),
        ("CKV_AZURE_137", "Azure.ACR.AdminUser"),
    ),
    Rule(
        "images-no-anonymous",
        _IMAGES,
        "nobody pulls without a name",
        be("anonymousPullEnabled", False),
        ("CKV_AZURE_138",),
    ),
    Rule(
        "images-bypass",
        _IMAGES,
        "Azure ML's builds pass the firewall",
        be("networkRuleBypassOptions", "AzureServices"),
        ("A1",),
    ),
    Rule(
        "images-arm-tokens",
        _IMAGES,
        "Azure ML pulls with its own tokens",
        be("policies.azureADAuthenticationAsArmPolicy.status", "enabled"),
        ("A1",),
        PROD,
    ),
    Rule(
        "images-sku",
        _IMAGES,
        "the registry is at least Standard",
        be("sku.name", "Standard", "Premium"),
        ("Azure.ACR.MinSku",),
    ),
    Rule(
        "images-private",
        _IMAGES,
        "the registry is reached by private endpoint",
        be("publicNetworkAccess", "Disabled"),
        ("CKV_AZURE_139",),
        PROD,
    ),
    Rule(
        "images-retention",
        _IMAGES,
        "untagged images go after 15 to 30 days",
        lambda p: (
            at(p, "policies.retentionPolicy.status") == "enabled" and 15 <= at(p, "policies.retentionPolicy.days") <= 30
        ),
        ("CKV_AZURE_167",),
        PROD,
    ),
    Rule(
        "images-zones",
        _IMAGES,
        "the registry is in three zones",
        be("zoneRedundancy", "Enabled"),
        ("CKV_AZURE_233",),
        PROD,
    ),
    Rule(
        "images-no-export",
        _IMAGES,
        "images do not leave a private registry",
        be("policies.exportPolicy.status", "disabled"),
        ("A1",),
        PROD,
    ),
    Rule(
        "images-plain",
        _IMAGES,
        "policies and zones are for Premium alone",
        lambda p: at(p, "sku.name") == "Premium" or (at(p, "policies") is None and at(p, "zoneRedundancy") is None),
        ("A3",),
    ),
)
