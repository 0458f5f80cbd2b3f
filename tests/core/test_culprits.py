from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_plugin.core.culprits import culprits, plainer
from sms_plugin.core.segments import measure

QUICK = settings(max_examples=100, deadline=None, derandomize=True)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("plain € {x}", []),
        ("Zoë, Zoë", [("ë", "e")]),
        ("él comió aquí", [("ó", "o"), ("í", "i")]),
        ("ç œ Ł ™ ©", [("ç", "c"), ("œ", "oe"), ("Ł", "L"), ("™", "TM"), ("©", "(c)")]),
        ("ok 👍🏽 ✓", [("👍🏽", ""), ("✓", "")]),
        ("👨‍👩‍👧!", [("👨‍👩‍👧", "")]),
        ("🇺🇸🇲🇽", [("🇺🇸", ""), ("🇲🇽", "")]),
        ("1️⃣ x̄", [("1️⃣", "1"), ("x̄", "x")]),
        ("Дa 中", [("Д", None), ("中", None)]),
    ],
)
def test_characters_are_named_as_a_reader_sees_them(text, named):
    assert [(one.character, one.instead) for one in culprits(text)] == named


def test_the_plainer_text_follows_the_proposals():
    assert plainer("Zoë paga 👍 mañana: señor Łuk™") == "Zoe paga  mañana: señor LukTM"
    assert plainer("Да, Zoë") == "Да, Zoe"


@QUICK
@given(st.text(max_size=60))
def test_culprits_are_what_makes_a_text_ucs2(text):
    odd = culprits(text)

    assert bool(odd) == (measure(text).encoding == "UCS-2")
    if all(one.instead is not None for one in odd):
        assert measure(plainer(text)).encoding == "GSM-7"
    assert measure(plainer(text)).count <= measure(text).count + text.count("™") + 40
