"""What `collect` tells a person: what sources claim, what came, and what to do where nothing did."""

import json

import click

from techniques.datasets.collect import PASSING, Collected, Order
from techniques.datasets.errors import SourceError
from techniques.datasets.recipe import Recipe
from techniques.datasets.sources.base import Source
from techniques.datasets.spelling import suggestion
from techniques.datasets.wording import counted
from techniques.errors import WorkFailedError
from techniques.progress import Progress

__all__ = ["claims", "refuse_nothing", "tell"]


def claims(recipe: Recipe, sources: list[Source], order: Order, *, as_json: bool = False) -> None:
    """Say how many results each source has for each search; nothing is fetched but first pages."""
    for label in recipe.labels:
        for source in sources:
            for query in label.queries:
                if query.kind not in source.kinds:
                    continue
                try:
                    page = next(iter(source.search(query, order.licences, None)), None)
                except SourceError as error:
                    raise WorkFailedError(f"{source.name}: {error}.") from error
                if page is not None:
                    count = len(page.candidates) if page.claimed is None else page.claimed
                    more = page.claimed is None and page.cursor is not None
                    if as_json:
                        asked = {"class": label.name, "source": source.name, "query": str(query)}
                        click.echo(json.dumps({"event": "claim", **asked, "count": count, "more": more}))
                    else:
                        or_more = " or more" if more else ""
                        click.echo(f"{label.name}: {source.name} has {count}{or_more} for {str(query)!r}")


def tell(progress: Progress, recipe: Recipe, result: Collected, order: Order) -> None:
    """Say what came, and why no more of it."""
    for note in result.notes:
        progress.say(f"Note: {note}.")
    for label in recipe.labels:
        have = result.per_class[label.name]
        fewer = _why_fewer(result) if 0 < have < order.per_class else ""
        progress.say(f"{label.name}: {have} of {counted(order.per_class, 'picture')}{fewer}")
    if result.reasons:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(result.reasons.items()))
        progress.say(f"Not kept: {reasons}; manifest.jsonl says why for each.")


def _why_fewer(result: Collected) -> str:
    if result.notes:
        return ""  # they say what stopped it
    if any(reason in result.reasons for reason in PASSING):
        return "; some did not arrive, run it again"
    return "; its searches have no more, others bring more (label: query | query)"


def refuse_nothing(recipe: Recipe, result: Collected) -> None:
    """Raises `WorkFailedError` if a class has stayed empty: no picture is no success."""
    empty = [label.name for label in recipe.labels if not result.per_class[label.name]]
    if not empty:
        return
    if result.silent:
        raise WorkFailedError(
            f"No source answered as it should, so {', '.join(map(repr, empty))} stayed empty "
            f"({'; '.join(result.notes)}). Run the same command again when they do."
        )
    hints = [f"{name!r} may be {near!r}" for name in empty if (near := suggestion(name))]
    trouble = f" ({result.notes[0]})" if result.notes else ""
    advice = (
        f"{'; '.join(hints)}: mend the list"
        if hints
        else "Try other words after a colon: label: query | query"
    )
    raise WorkFailedError(
        f"No picture came for {', '.join(map(repr, empty))}{trouble}. {advice}, and run it again."
    )
