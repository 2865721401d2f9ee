"""What a test sees of a page."""

import re
from html.parser import HTMLParser

from hnseg.run.cli import COMMANDS

VOID = {"meta", "img", "input", "br"}


class Page(HTMLParser):
    """Tags, addresses and visible text of a page; fails on tags that are not closed in order."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.addresses, self.text, self._open = [], [], "", []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action")]
        assert not [name for name, _ in attrs if name.startswith("on")], "an inline event handler"
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self._open):
            self.text += data


def commands_in(text):
    """What stands behind ``hnseg`` wherever a page says it; fails on what is no command."""
    found = set(re.findall(r"hnseg ([a-z][a-z-]*)", text))
    assert found <= set(COMMANDS), found
    return found
