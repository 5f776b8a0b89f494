"""Guidelines as they are read: Markdown made safe HTML. The only place that marks text as safe."""

from __future__ import annotations

from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore

# A guideline is shown below a heading of its own, which stands below the page's one h1.
LOWER_HEADINGS_BY = 2
TAGS = {
    *("h3", "h4", "h5", "h6", "p", "br", "hr", "ul", "ol", "li", "blockquote", "pre", "code"),
    *("em", "strong", "s", "a", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto"}


@lru_cache(maxsize=64)
def guideline_html(text: str) -> SafeString:
    """Markdown (CommonMark, tables, struck text) as HTML that may stand in a page as it is.

    Two walls: HTML in the text is not let through but shown as written, and what comes out is
    cut down to a list of harmless tags. No images: they would tell their server who reads.
    Headings come out two steps lower. Links keep http, https and mailto only.
    """
    # The value is marked safe because nh3 has just made it so.
    return mark_safe(  # noqa: S308
        nh3.clean(
            _markdown().render(text),
            tags=TAGS,
            attributes=ATTRIBUTES,
            url_schemes=SCHEMES,
            link_rel="noopener nofollow noreferrer",
            strip_comments=True,
        )
    )


def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    markdown.disable("image")
    markdown.core.ruler.push("lower_headings", _lower_headings)
    return markdown


def _lower_headings(state: StateCore) -> None:
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(6, int(token.tag[1]) + LOWER_HEADINGS_BY)}"
