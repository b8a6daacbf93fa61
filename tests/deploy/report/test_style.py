"""What can be read on paper and in the dark."""

import re
from pathlib import Path

import pytest

import deploy.report.report as module

STYLE = (Path(module.__file__).parent / "report.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#\w+);", block)) for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
)
WORDS = ("ink", "quiet", "yes", "no", "open")
SHAPES = ("ours", "theirs", "theirs-2", "theirs-3", "limit")


def contrast(one: str, other: str) -> float:
    """The ratio of the Web Content Accessibility Guidelines 2.2."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_words_have_a_contrast_of_at_least_four_and_a_half_and_shapes_of_three(scheme):
    assert all(contrast(scheme[name], scheme["paper"]) >= 4.5 for name in WORDS)
    assert all(contrast(scheme[name], scheme["paper"]) >= 3.0 for name in SHAPES)
    assert contrast(scheme["on-ours"], scheme["ours"]) >= 4.5
    assert contrast(scheme["on-theirs"], scheme["theirs"]) >= 4.5


def test_the_dark_scheme_is_for_screens_alone_and_has_every_colour():
    assert "@media screen and (prefers-color-scheme: dark)" in STYLE
    assert set(LIGHT) == set(DARK)


def test_every_colour_that_is_used_is_defined():
    assert set(re.findall(r"var\(--([\w-]+)", STYLE)) - {"shade"} <= set(LIGHT)
