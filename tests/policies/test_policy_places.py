from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.place import origin_of, place_of

OK = "https://ok.example"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        # the plain ones
        ("https://ok.example", OK),
        ("https://ok.example/", OK),
        ("https://ok.example/a?b=c#d", OK),
        ("https://ok.example?x", OK),
        ("https://ok.example#x", OK),
        ("HTTPS://OK.EXAMPLE/", OK),
        ("https://ok.example:443/", OK),
        ("https://ok.example:/", OK),
        ("https://ok.example:0443/", OK),
        ("http://ok.example:80/", "http://ok.example"),
        # another origin, however alike
        ("http://ok.example/", "http://ok.example"),
        ("https://ok.example:8443/", "https://ok.example:8443"),
        ("https://ok.example.evil.example/", "https://ok.example.evil.example"),
        ("https://evil.example/https://ok.example", "https://evil.example"),
        ("https://evil.example?https://ok.example", "https://evil.example"),
        ("https://evil.example#@ok.example", "https://evil.example"),
        ("https://evil.example/@ok.example", "https://evil.example"),
        ("https://www.ok.example/", "https://www.ok.example"),
        ("https://ok-example/", "https://ok-example"),
        # user names
        ("https://ok.example@evil.example/", ""),
        ("https://ok.example:443@evil.example/", ""),
        ("https://user:pass@ok.example/", ""),
        ("https://@ok.example/", ""),
        ("https://ok.example%40evil.example/", ""),
        # backslashes, white space, control characters
        ("https://ok.example\\@evil.example/", ""),
        ("https://evil.example\\.ok.example/", ""),
        ("https:\\\\evil.example/", ""),
        (" https://ok.example/", ""),
        ("https://ok.example/ ", ""),
        ("https://ok\t.example/", ""),
        ("https://ok.example/\n", ""),
        ("https://ok.example/\u2028", ""),
        ("https://ok.\u200bexample/", ""),
        # dots
        ("https://ok.example./", ""),
        ("https://ok..example/", ""),
        ("https://.ok.example/", ""),
        ("https://ok。example/", OK),
        ("https://ok．example/", OK),
        # other scripts
        ("https://müller.example/", "https://xn--mller-kva.example"),
        ("https://MÜLLER.example/", "https://xn--mller-kva.example"),
        ("https://xn--mller-kva.example/", "https://xn--mller-kva.example"),
        ("https://оk.example/", "https://xn--k-0tb.example"),
        ("https://straße.example/", "https://xn--strae-oqa.example"),
        ("https://ｏｋ.example/", OK),
        ("https://xn--ok-.example/", ""),
        ("https://xn--/", ""),
        # numbers
        ("http://127.0.0.1/", "http://127.0.0.1"),
        ("http://2130706433/", "http://127.0.0.1"),
        ("http://0x7f000001/", "http://127.0.0.1"),
        ("http://0x7f.1/", "http://127.0.0.1"),
        ("http://0177.0.0.1/", "http://127.0.0.1"),
        ("http://127.1/", "http://127.0.0.1"),
        ("http://１２７.0.0.1/", "http://127.0.0.1"),
        ("http://256.0.0.1/", ""),
        ("http://1.2.3.4.5/", ""),
        ("http://ok.1/", ""),
        ("http://4294967296/", ""),
        ("http://09.0.0.1/", ""),
        ("http://[::1]/", "http://[::1]"),
        ("http://[0:0:0:0:0:0:0:1]:80/", "http://[::1]"),
        ("http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]"),
        ("http://[::ffff:7f00:1]/", "http://[::ffff:7f00:1]"),
        ("http://[fe80::1%25eth0]/", ""),
        ("http://[::1/", ""),
        ("http://::1/", ""),
        # ports
        ("https://ok.example:65535/", "https://ok.example:65535"),
        ("https://ok.example:65536/", ""),
        ("https://ok.example:99999999/", ""),
        ("https://ok.example:-1/", ""),
        ("https://ok.example:80:80/", ""),
        ("https://ok.example:８０/", ""),
        # no address at all
        ("", ""),
        ("null", ""),
        ("about:blank", ""),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("blob:https://ok.example/1", ""),
        ("view-source:https://ok.example/", ""),
        ("file:///etc/passwd", ""),
        ("ftp://ok.example/", ""),
        ("ws://ok.example/", ""),
        ("//ok.example/", ""),
        ("ok.example", ""),
        ("https:ok.example", ""),
        ("https:/ok.example", ""),
        ("https:///ok.example", ""),
        ("https://", ""),
        ("https://ok_1.example/", "https://ok_1.example"),
        ("https://-ok.example/", ""),
        ("https://ok.example|evil/", ""),
        ("https://" + "a" * 64 + ".example/", ""),
        ("https://" + "a." * 130 + "example/", ""),
        ("https://ok.example/" + "a" * 9000, ""),
    ],
)
def test_an_address_has_one_origin_or_none(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://ok.example", "/"),
        ("https://ok.example/a/../b", "/b"),
        ("https://ok.example/a/%2e%2e/b", "/b"),
        ("https://ok.example/a/./b/", "/a/b/"),
        ("https://ok.example/../../b", "/b"),
        ("https://ok.example/a%2fb", "/a%2fb"),
    ],
)
def test_paths_have_no_dot_segments(url: str, path: str) -> None:
    place = place_of(url)
    assert place is not None and place.path == path


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost/", True),
        ("http://a.localhost/", True),
        ("http://2130706433/", True),
        ("http://10.1.2.3/", True),
        ("http://169.254.169.254/", True),
        ("http://[::1]/", True),
        ("http://[::ffff:10.0.0.1]/", True),
        ("http://[fd00::1]/", True),
        ("http://0.0.0.0/", True),
        ("http://8.8.8.8/", False),
        ("https://ok.example/", False),
    ],
)
def test_private_places_are_known_by_their_writing(url: str, local: bool) -> None:
    place = place_of(url)
    assert place is not None and place.local is local


@settings(deadline=None)
@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    for url in (text, f"https://{text}", f"https://ok.example{text}"):
        place = place_of(url)
        if place is not None:
            assert origin_of(place.origin) == place.origin
