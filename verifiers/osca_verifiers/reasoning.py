"""What a model writes after its reasoning, where it shows both."""

from __future__ import annotations

import re

_TAGS = "think|thinking|thought|reasoning|reflection|scratchpad"
_TAG = re.compile(rf"<(?P<closing>/?)(?P<name>{_TAGS})>", re.IGNORECASE)


def without_reasoning(text: str) -> str | None:
    """Return a text without what stands between tags such as ``<think>`` and ``</think>``.

    A closing tag without an opening one ends reasoning that began in the prompt, as several chat templates
    have it; an opening one that is never closed is reasoning up to the end, cut off by a length limit.

    Returns:
        ``None`` where nothing but reasoning is left.

    >>> without_reasoning("<think>2 + 2, easily</think>4")
    '4'
    """
    kept, start, depth = [], 0, 0
    for tag in _TAG.finditer(text):
        if not tag["closing"]:
            if depth == 0:
                kept.append(text[start : tag.start()])
            depth += 1
        elif depth:
            depth -= 1
        else:
            kept.clear()
        start = tag.end()
    if depth == 0:
        kept.append(text[start:])
    answer = "".join(kept).strip()
    return answer or None
