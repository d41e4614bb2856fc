"""`agent model`: checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent.cli_arguments import AsJson

__all__ = ["app"]

app = typer.Typer(help="Look at model checkpoints.", no_args_is_help=True)


@app.command("list")
def listed(
    turns: Annotated[int, typer.Option(help="Earlier screenshots in the prompt.")] = 4, as_json: AsJson = False
) -> None:
    """List the published sizes with the memory each needs."""
    from agent.models import list_models

    raise typer.Exit(list_models(turns, as_json))


@app.command("info")
def info(
    name: Annotated[str, typer.Argument(help="`pilot`, a folder, or a published size such as `8B`.")] = "pilot",
    turns: Annotated[int, typer.Option(help="Earlier screenshots in the prompt.")] = 4,
    tokens: Annotated[int, typer.Option(help="Tokens of one screenshot; 32 x 32 pixels each.")] = 1280,
    dtype: Annotated[
        str, typer.Option(help="`auto` (as stored), `float32`, `bfloat16`, `float16`, `fp8`, `int8`, `int4`.")
    ] = "auto",
    as_json: AsJson = False,
) -> None:
    """Say what a checkpoint needs before it is loaded, and what would fit if it does not."""
    from agent.models import model_info as info

    raise typer.Exit(info(name, turns, tokens, dtype, as_json))


@app.command("pull")
def pull(
    name: Annotated[str, typer.Argument(help="owner/name on the hub, or a published size such as `8B-Thinking`.")],
    folder: Annotated[Path | None, typer.Option("--to", help="Where to; checkpoints/NAME by default.")] = None,
) -> None:
    """Fetch a checkpoint from the Hugging Face hub: safetensors only, resumed where it was cut."""
    from agent.models import pull_model

    raise typer.Exit(pull_model(name, folder))


@app.command("check")
def check(checkpoint: Annotated[str, typer.Argument(help="`pilot` or a folder.")] = "pilot") -> None:
    """Look a checkpoint over without loading its weights."""
    from agent.front import check_model

    raise typer.Exit(check_model(checkpoint))
