from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from deploy.report.report import prose
from deploy.report.svg import Markup, clean, element

text = st.text(st.characters())


@given(text, text)
def test_any_words_make_well_formed_xml_that_says_the_same(words, value):
    found = ElementTree.fromstring(element("text", words, class_=value))
    assert (found.text or "") == clean(words).replace("\r\n", "\n").replace("\r", "\n")
    assert "\n" in value or "\t" in value or "\r" in value or found.get("class") == clean(value)


@given(text)
def test_a_sentence_keeps_its_words_whatever_backticks_it_has(words):
    found = ElementTree.fromstring(f"<p>{clean(prose(words))}</p>")
    told = "".join(found.itertext()).replace("`", "")
    assert told == clean(words).replace("`", "").replace("\r\n", "\n").replace("\r", "\n")


def test_names_in_a_sentence_are_set_apart():
    assert prose("feature `a<b` moved") == "feature <code>a&lt;b</code> moved"
    assert prose("a ` alone") == "a ` alone"


def test_markup_is_not_escaped_twice():
    inner = element("b", "1 < 2")
    assert element("p", inner, "& more") == "<p><b>1 &lt; 2</b>&amp; more</p>"
    assert Markup("x").__html__() == "x"
