"""framebatch.calibration.report.markup: markup in which text stays text."""

from framebatch.calibration.report.markup import Html, element, join


def test_text_is_escaped_and_markup_is_not() -> None:
    """Wherever it stands: between tags, in attributes, beside markup."""
    assert element("p", '<b> & "', element("i", "x")) == "<p>&lt;b&gt; &amp; &quot;<i>x</i></p>"
    assert element("a", title='"><script>') == '<a title="&quot;&gt;&lt;script&gt;"></a>'
    assert join("<", Html("<br>")) == "&lt;\n<br>"


def test_what_is_none_is_left_out() -> None:
    """Of children and of attributes; names become those of HTML."""
    assert element("p", None, "x", class_="a", id=None, aria_label="b") == '<p class="a" aria-label="b">x</p>'
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'
