import json
import re

import jinja2
import pytest

from keras_ruo2.pages.render import ASSETS, data_block, number, render, write_html

NASTY = "</script><img src=x onerror=alert(1)> & \"quotes\" 'too' \u2028"


def test_data_survives_the_page_and_cannot_end_its_block():
    block = str(data_block("found", {"name": NASTY, "value": float("nan")}))
    inner = re.fullmatch(r'<script type="application/json" id="found">(.*)</script>', block)[1]
    assert not set("<>&\u2028") & set(inner)
    assert json.loads(inner) == {"name": NASTY, "value": None}


def test_text_of_a_page_is_escaped():
    page = render("plain.html", title=NASTY, body=NASTY)
    assert "<img" not in page and page.count("&lt;img") == 3  # title, heading, body


def test_a_value_that_a_template_lacks_is_an_error_and_leaves_the_page_as_it_was(tmp_path):
    write_html(tmp_path / "page.html", "plain.html", title="old", body="")
    with pytest.raises(jinja2.UndefinedError):
        write_html(tmp_path / "page.html", "plain.html", title="new")
    assert "old" in (tmp_path / "page.html").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.parametrize("path", sorted(ASSETS.iterdir()), ids=lambda path: path.name)
def test_no_asset_names_an_address_or_parses_text_as_code(path):
    text = path.read_text()
    for word in ("http:", "https:", "innerHTML", "insertAdjacentHTML", "eval(", "document.write"):
        assert word not in text
    assert "@import" not in text and "url(" not in text.replace("url(#inside)", "")


def test_every_page_refuses_the_network():
    page = render("plain.html", title="", body="")
    assert "default-src 'none'" in page


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (float("inf"), "–"), (1.2345, "1.23"), (12345.6, "12,346")]
)
def test_numbers_have_three_digits_and_a_dash_stands_for_none(value, text):
    assert number(value) == text
