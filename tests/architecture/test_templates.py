"""Templates: one h1 a page, nothing that the content policy forbids, nothing trusted unasked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.template import Template, engines
from django.template.base import Node, NodeList, TextNode
from django.template.defaulttags import ForNode, IfNode
from django.template.loader_tags import BlockNode, ExtendsNode, IncludeNode

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
# The page of samples shows every component, headings of other pages among them.
SAMPLES = "styleguide.html"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))


def load(name: str) -> Template:
    return engines["django"].engine.get_template(name)


@dataclass(frozen=True)
class Headings:
    """How many h1 a piece of template shows at least and at most."""

    least: int
    most: int

    def __add__(self, other: Headings) -> Headings:
        return Headings(self.least + other.least, self.most + other.most)


NONE = Headings(0, 0)
Blocks = dict[str, BlockNode]


def chain_of(template: Template) -> list[Template]:
    """The template, its parent, its parent's parent ... where they are named outright."""
    chain = [template]
    while True:
        extends = next((n for n in chain[-1].nodelist if isinstance(n, ExtendsNode)), None)
        if extends is None:
            return chain
        chain.append(load(str(extends.parent_name.var)))


def blocks_of(chain: list[Template]) -> Blocks:
    blocks: Blocks = {}
    for template in chain:
        for block in template.nodelist.get_nodes_by_type(BlockNode):
            blocks.setdefault(block.name, block)
    return blocks


def headings(nodes: NodeList, blocks: Blocks) -> Headings:
    total = NONE
    for node in nodes:
        total += headings_of(node, blocks)
    return total


def headings_of(node: Node, blocks: Blocks) -> Headings:
    if isinstance(node, TextNode):
        count = len(re.findall(r"<h1\b", node.s))
        return Headings(count, count)
    if isinstance(node, IfNode):
        ways = [headings(nodelist, blocks) for _, nodelist in node.conditions_nodelists]
        if node.conditions_nodelists[-1][0] is not None:  # no else
            ways.append(NONE)
        return Headings(min(way.least for way in ways), max(way.most for way in ways))
    if isinstance(node, ForNode):
        return Headings(0, 2 * headings(node.nodelist_loop, blocks).most)
    if isinstance(node, BlockNode):
        return headings(blocks.get(node.name, node).nodelist, blocks)
    if isinstance(node, IncludeNode):
        name = getattr(node.template, "var", None)
        assert isinstance(name, str), "include a template by its name"
        return headings(load(name).nodelist, {})
    if type(node).__name__ == "DefinePartialNode" and not node.inline:
        return NONE
    if type(node).__name__ == "RenderPartialNode":
        return headings(node.partial_mapping[node.partial_name].nodelist, blocks)
    nodelist = getattr(node, "nodelist", None)
    return headings(nodelist, blocks) if isinstance(nodelist, NodeList) else NONE


def is_page(name: str) -> bool:
    source = "".join(template.source for template in chain_of(load(name)))
    leaf = not any(
        f'extends "{name}"' in (TEMPLATES / other).read_text(encoding="utf-8") for other in NAMES
    )
    return leaf and "<html" in source and name != SAMPLES


PAGES = [name for name in NAMES if is_page(name)]


def test_pages_are_found_at_all() -> None:
    assert "registration/login.html" in PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_one_h1_whatever_it_shows(name: str) -> None:
    chain = chain_of(load(name))

    assert headings(chain[-1].nodelist, blocks_of(chain)) == Headings(1, 1)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_keeps_to_the_content_policy_and_escapes(name: str) -> None:
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    markup = re.sub(r"\{% comment %\}.*?\{% endcomment %\}|\{#.*?#\}", "", source, flags=re.S)

    assert not re.search(r"<style\b|\sstyle\s*=", markup), "inline style"
    assert not re.search(r"<script\b(?![^>]*\bsrc=)(?![^>]*application/json)", markup), (
        "inline script"
    )
    assert not re.search(r"<[^>{]*\son[a-z]+\s*=|\shx-on", markup), "inline event handler"
    assert not re.search(r"\|\s*safe\b|autoescape\s+off|javascript:", markup), "unescaped text"
