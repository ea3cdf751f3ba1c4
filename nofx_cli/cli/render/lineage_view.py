"""Where a run and what it left come from."""

from collections.abc import Iterator, Sequence

from nofx_cli.cli.output import safe
from nofx_cli.cli.render.event_text import local_date_time
from nofx_cli.cli.render.run_view import fact_lines, values_words, workspace_words
from nofx_cli.domain.ids import JsonValue
from nofx_cli.domain.lineage import Product
from nofx_cli.domain.payload_data import data_of
from nofx_cli.engine.view_run import Origin, RunView

_SHORT = 12


def as_json(view: RunView, chain: Sequence[Origin], products: Sequence[Product]) -> dict[str, JsonValue]:
    """The fields that scripts rely on; a test pins them."""
    created = view.state.created
    return {
        "run": view.run,
        "plan": {"name": created.plan_name if created else "", "digest": created.plan_digest if created else ""},
        "params": dict(created.params) if created else {},
        "workspace": dict(created.workspace) if created else {},
        "idempotency_key": (created.idempotency_key or None) if created else None,
        "origins": [{"kind": origin.kind, "run": origin.run, "there": origin.there} for origin in chain],
        "products": [_product_json(product) for product in products],
        "head": {"seq": view.head.seq, "digest": view.head.digest},
    }


def _product_json(product: Product) -> dict[str, JsonValue]:
    return {
        "step": product.step,
        "attempt": product.attempt,
        "tool": product.tool,
        "at": product.at,
        "inputs_digest": product.inputs_digest,
        "idempotency_key": product.idempotency_key,
        "outputs": product.outputs,
        "outputs_digest": product.outputs_digest or None,
        "artifacts": [data_of(artifact) for artifact in product.artifacts],
        "from": [{"step": source.step, "attempt": source.attempt} for source in product.sources],
    }


def lines(view: RunView, chain: Sequence[Origin], products: Sequence[Product]) -> Iterator[str]:
    """The page for people."""
    created = view.state.created
    yield f"run {view.run}"
    if created is not None:
        yield from fact_lines(
            {
                "plan": f"{created.plan_name} {created.plan_digest}",
                "params": values_words(created.params),
                "workspace": workspace_words(created.workspace),
                "key": created.idempotency_key,
                "head": f"{view.head.seq}:{view.head.digest}",
            }
        )
    for origin in chain:
        gone = "" if origin.there else " (not in this store any more)"
        yield f"  {safe(origin.kind)} of {safe(origin.run)}{gone}"
    for product in products:
        yield ""
        yield from _product_lines(product)


def _product_lines(product: Product) -> Iterator[str]:
    when = local_date_time(product.at)
    inputs = product.inputs_digest[:_SHORT]
    yield f"{safe(product.step)}#{product.attempt}  {safe(product.tool)}  {when}  inputs {safe(inputs)}"
    sources = ", ".join(f"{source.step}#{source.attempt}" for source in product.sources)
    if sources:
        yield f"  from      {safe(sources)}"
    if product.outputs:
        yield f"  outputs   {safe(', '.join(product.outputs))}  {product.outputs_digest[:_SHORT]}"
    for artifact in product.artifacts:
        yield f"  artifact  {safe(artifact.name)}  {safe(artifact.digest)}  {artifact.size} bytes"
