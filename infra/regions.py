"""What the program must know of a region before it writes: its pair, its zones, what it lacks."""

from __future__ import annotations

from dataclasses import dataclass

from infra.faults import did_you_mean


@dataclass(frozen=True)
class Region:
    """One Azure region.

    Attributes:
        pair: the region that Azure replicates it to; empty where it has none.
        zones: whether it has availability zones.
        on_request: access is granted on request only: AKS and the sizes used here lack until then.
    """

    pair: str = ""
    zones: bool = True
    on_request: bool = False


# Pairs, zones and restrictions of learn.microsoft.com/azure/reliability/regions-list (MicrosoftDocs/azure-docs at
# 04495fc, dated 2025-03-21; Austria and Belgium from the page as it was read in November 2026).
# What differs between subscriptions or changes (quota, a size that is not offered) bootstrap and `mlops doctor` ask live.
REGIONS: dict[str, Region] = {
    "australiaeast": Region("australiasoutheast"),
    "australiasoutheast": Region("australiaeast", zones=False),
    "austriaeast": Region(),
    "belgiumcentral": Region(),
    "brazilsouth": Region("southcentralus"),
    "canadacentral": Region("canadaeast"),
    "canadaeast": Region("canadacentral", zones=False),
    "centralindia": Region("southindia"),
    "centralus": Region("eastus2"),
    "eastasia": Region("southeastasia"),
    "eastus": Region("westus"),
    "eastus2": Region("centralus"),
    "francecentral": Region("francesouth"),
    "francesouth": Region("francecentral", zones=False, on_request=True),
    "germanynorth": Region("germanywestcentral", zones=False, on_request=True),
    "germanywestcentral": Region("germanynorth"),
    "israelcentral": Region(),
    "italynorth": Region(),
    "japaneast": Region("japanwest"),
    "japanwest": Region("japaneast"),
    "koreacentral": Region("koreasouth"),
    "koreasouth": Region("koreacentral", zones=False, on_request=True),
    "mexicocentral": Region(),
    "newzealandnorth": Region(),
    "northcentralus": Region("southcentralus", zones=False),
    "northeurope": Region("westeurope"),
    "norwayeast": Region("norwaywest"),
    "norwaywest": Region("norwayeast", zones=False, on_request=True),
    "polandcentral": Region(),
    "qatarcentral": Region(),
    "southafricanorth": Region("southafricawest"),
    "southafricawest": Region("southafricanorth", zones=False, on_request=True),
    "southcentralus": Region("northcentralus"),
    "southeastasia": Region("eastasia"),
    "southindia": Region("centralindia", zones=False),
    "spaincentral": Region(),
    "swedencentral": Region("swedensouth"),
    "swedensouth": Region("swedencentral", zones=False, on_request=True),
    "switzerlandnorth": Region("switzerlandwest"),
    "switzerlandwest": Region("switzerlandnorth", zones=False, on_request=True),
    "uaecentral": Region("uaenorth", zones=False, on_request=True),
    "uaenorth": Region("uaecentral"),
    "uksouth": Region("ukwest"),
    "ukwest": Region("uksouth", zones=False),
    "westcentralus": Region("westus2", zones=False),
    "westeurope": Region("northeurope"),
    "westus": Region("eastus", zones=False),
    "westus2": Region("westcentralus"),
    "westus3": Region("eastus"),
}


def region_faults(key: str, location: str) -> list[str]:
    """Why a region cannot be used, or nothing."""
    if location not in REGIONS:
        unknown = f"`{key}`: there is no region `{location}` in infra/regions.py"
        return [unknown + (did_you_mean(location, list(REGIONS)) or "; `az account list-locations` names them")]
    if REGIONS[location].on_request:
        pair = REGIONS[location].pair
        return [f"`{key}`: {location} is open on request only and lacks AKS and the sizes used here; take {pair}"]
    return []
