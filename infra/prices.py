"""The dated price table, and how it is read anew from Azure's public price service."""

from __future__ import annotations

import datetime as dt
import json
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("prices.yaml")
SERVICE = "https://prices.azure.com/api/retail/prices"
PER_MONTH = {"hour": 730.0, "day": 365 / 12, "month": 1.0, "unit": 1.0}
Fetch = Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True)
class Price:
    """One price in the table's currency; None is unknown.

    Attributes:
        price: in US dollars, or None.
        per: hour, day, month or unit.
        source: where it was read.
        read: when it was read; never, where it is unknown.
        looked: where an unknown price was sought, and when.
    """

    price: float | None
    per: str
    source: str
    read: str
    looked: str = ""

    def monthly(self, quantity: float) -> float | None:
        """The month's price of a quantity of hours' resources, or None where it is unknown."""
        return None if self.price is None else round(self.price * PER_MONTH[self.per] * quantity, 2)


def load(path: Path = FILE) -> dict[str, Price]:
    """The table by item."""
    table = yaml.safe_load(path.read_text(encoding="utf-8"))["prices"]
    return {
        item: Price(
            row["price"], row["per"], row.get("source", "unknown"), str(row.get("read", "never")), row.get("looked", "")
        )
        for item, row in table.items()
    }


def age_days(prices: Mapping[str, Price], today: dt.date) -> int:
    """How old the oldest known price is."""
    read = [dt.date.fromisoformat(price.read) for price in prices.values() if price.price is not None]
    return max((today - day).days for day in read)


def _ask(url: str) -> Mapping[str, Any]:
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 one fixed https address
        found: Mapping[str, Any] = json.loads(answer.read())
    return found


def query(meter: Mapping[str, Any], region: str) -> str:
    """The address that asks for one meter."""
    words = {
        "armRegionName": region,
        "priceType": "Consumption",
        **{k: v for k, v in meter.items() if k != "lowPriority"},
    }
    terms = " and ".join(f"{key} eq '{value}'" for key, value in words.items())
    return f"{SERVICE}?{urllib.parse.urlencode({'$filter': terms})}"


def choose(meter: Mapping[str, Any], items: list[Mapping[str, Any]]) -> float | None:
    """The price of the meter among what the service answered: Linux, and low priority only where asked."""

    def fits(item: Mapping[str, Any]) -> bool:
        words = f"{item.get('productName', '')} {item.get('meterName', '')}"
        low = "Low Priority" in words
        return "Windows" not in words and "Spot" not in words and low == bool(meter.get("lowPriority"))

    found = sorted({float(item["retailPrice"]) for item in items if fits(item) and item["retailPrice"] > 0})
    return found[0] if len(found) == 1 else None  # two answers are no answer


def refresh(path: Path, region: str, today: dt.date, fetch: Fetch = _ask) -> list[str]:
    """Writes every meter's price anew and returns the items that stay unknown."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["region"] = region
    for row in document["prices"].values():
        if "meter" not in row:
            continue
        url = query(row["meter"], region)
        price = choose(row["meter"], list(fetch(url)["Items"]))
        for stale in ("source", "read", "looked"):
            row.pop(stale, None)
        found = {"source": url, "read": today.isoformat()}
        row |= {"price": price} | (found if price is not None else {"looked": f"{today.isoformat()}, {url}"})
    comment = "".join(line for line in path.read_text(encoding="utf-8").splitlines(True) if line.startswith("#"))
    path.write_text(comment + yaml.safe_dump(document, sort_keys=False, width=1000), encoding="utf-8")
    return [item for item, row in document["prices"].items() if row["price"] is None]
