"""What tokens cost: the prices of the spec, else those of genai-prices, which ship with their date."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from osca_cli.model import Usage
from osca_cli.spec.types import BackendSettings

PER_TOKEN = 1e-6
BATCH_FACTOR = 0.5  # what OpenAI and Anthropic publish for their batch APIs


@dataclass(frozen=True, slots=True)
class Price:
    """What a model's samples cost, in USD.

    Attributes:
        input: Of a million tokens of prompts.
        cached_input: Of a million that came from the server's prompt cache.
        output: Of a million tokens written, reasoning included.
        sample: Of each request, on top.
        second: Of each second that a sample takes, on top.
        source: Where the price comes from.
        above: The number of input tokens above which the prices of ``long`` hold for all of a request.
        long: These prices.
        batch: What all of them are multiplied by for samples that a batch API draws.
    """

    input: float = 0.0
    cached_input: float = 0.0
    output: float = 0.0
    sample: float = 0.0
    second: float = 0.0
    source: str = ""
    above: int | None = None
    long: Price | None = None
    batch: float = 1.0

    def in_batch(self) -> Price:
        """Return what a sample costs that a batch API draws."""
        factor = self.batch
        return replace(
            self,
            input=self.input * factor,
            cached_input=self.cached_input * factor,
            output=self.output * factor,
            sample=self.sample * factor,
            second=self.second * factor,
            source=f"{self.source}, x {factor:g} in batches",
            long=None if self.long is None else replace(self.long, batch=factor).in_batch(),
            batch=1.0,
        )

    def usd(self, usage: Usage, seconds: float = 0.0) -> float:
        """Return what a request cost."""
        if self.above is not None and self.long is not None and usage.input > self.above:
            return self.long.usd(usage, seconds)
        tokens = (
            (usage.input - usage.cached) * self.input
            + usage.cached * self.cached_input
            + usage.output * self.output
        )
        return tokens * PER_TOKEN + self.sample + seconds * self.second

    def most_usd(self, usage: Usage, seconds: float = 0.0) -> float:
        """Return the most that a request of at most so many tokens can cost."""
        dearest = replace(self, input=max(self.input, self.cached_input), above=None)
        long = self.long.most_usd(usage, seconds) if self.long is not None else 0.0
        return max(dearest.usd(usage, seconds), long)


FREE = Price(source="in process")


def price_of(backend: BackendSettings, model: str, *, hosted: bool) -> Price | None:
    """Return the price of a model, or ``None`` where nobody knows it.

    Args:
        backend: The spec's entry.
        model: As the spec names it.
        hosted: Whether it is somebody else's machine; one's own is free unless the spec says otherwise.
    """
    prices: Any = backend.settings.get("prices", {})
    written = prices.get(model, prices.get("*"))
    # A server that is not the vendor's may grant nothing: the spec says what it does.
    factor = BATCH_FACTOR if hosted and "base_url" not in backend.settings else 1.0
    if written is not None:
        return _written(written, factor)
    if not hosted:
        return FREE
    published = _published(backend, model)
    return None if published is None else replace(published, batch=factor)


def price_text(price: Price | None) -> str | None:
    """Return a price as JSON, for :func:`read_price`."""
    return None if price is None else json.dumps(asdict(price))


def read_price(text: str | None) -> Price | None:
    """Read what :func:`price_text` wrote."""
    if text is None:
        return None
    data = json.loads(text)
    return Price(**{**data, "long": Price(**data["long"]) if data["long"] else None})


def _written(price: Mapping[str, float], factor: float) -> Price:
    return Price(
        input=price.get("input", 0.0),
        cached_input=price.get("cached_input", price.get("input", 0.0)),
        output=price.get("output", 0.0),
        sample=price.get("sample", 0.0),
        second=price.get("second", 0.0),
        source="the spec",
        batch=price.get("batch", factor),
    )


def _published(backend: BackendSettings, model: str) -> Price | None:
    from importlib.metadata import version

    import genai_prices

    address = backend.settings.get("base_url")
    usage = genai_prices.Usage(input_tokens=1, output_tokens=1)
    try:
        if address is None:
            found = genai_prices.calc_price(usage, model, provider_id=backend.type)
        else:
            found = genai_prices.calc_price(usage, model, provider_api_url=str(address))
    except LookupError:
        return None
    return _read(found.model_price, f"genai-prices {version('genai-prices')}")


def _read(published: Any, source: str) -> Price:
    """Turn genai-prices' price of a model into ours; a dearer tier holds for the whole of a long request."""
    given, written = published.input_mtok, published.output_mtok
    cached = getattr(published, "cache_read_mtok", None) or given
    per_request = float(getattr(published, "requests_kcount", None) or 0) / 1000
    tiers = [tier for price in (given, cached, written) for tier in getattr(price, "tiers", ())]

    def priced(rate: Callable[[Any], float]) -> Price:
        return Price(rate(given), rate(cached), rate(written), per_request, source=source)

    short = priced(_base)
    if not tiers:
        return short
    return replace(short, above=min(tier.start for tier in tiers), long=priced(_dearest))


def _base(price: Any) -> float:
    return float(getattr(price, "base", price) or 0)


def _dearest(price: Any) -> float:
    return max([_base(price), *(float(tier.price) for tier in getattr(price, "tiers", ()))])
