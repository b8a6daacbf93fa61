"""What a region offers to this subscription, asked before anything is made."""

from __future__ import annotations

from collections.abc import Sequence

from infra.az import Run, ask


def offer_faults(az: Run, location: str, sizes: Sequence[str], services: Sequence[str]) -> list[str]:
    """One sentence for each size and service that the region lacks.

    Args:
        az: the command line.
        location: the region, like westeurope.
        sizes: sizes of virtual machines.
        services: resource types, like Microsoft.ContainerService/managedClusters.
    """
    remedy = "choose another region: --location"
    rows = ask(az, "vm", "list-skus", "--location", location, "--resource-type", "virtualMachines")
    offered = {row["name"] for row in rows if not any(r["type"] == "Location" for r in row.get("restrictions") or [])}
    faults = [
        f"{location} does not offer {size} to this subscription; {remedy}" for size in sizes if size not in offered
    ]
    for service in services:
        namespace, kind = service.split("/")
        known = ask(az, "provider", "show", "--namespace", namespace)["resourceTypes"]
        places = {place for row in known if row["resourceType"] == kind for place in row["locations"]}
        if places and location not in {place.replace(" ", "").lower() for place in places}:  # none is everywhere
            faults.append(f"{location} has no {service}; {remedy}")
    return faults
