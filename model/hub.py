"""Fetching a checkpoint from the Hugging Face hub. The only file that reaches the network, and only when asked to.

Weights are safetensors; nothing that could be executed is fetched (no pickles, no Python). A download that was cut is
taken up where it ended. Keys come from the environment as huggingface_hub reads them.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from model.base import ModelError
from model.family import MEMBERS, member, repository

__all__ = ["PATTERNS", "NoName", "is_name", "pull", "pulled", "resolve"]

_WEIGHTS = "*.safetensors"
PATTERNS = (_WEIGHTS, "*.json", "*.jinja", "*.yaml", "merges.txt", "vocab.txt")
"""All that is fetched."""

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


class NoName(ModelError):
    """What was given can be the name of no checkpoint on the hub."""


def resolve(name: str) -> str:
    """The repository of a name: `owner/name` as it is, a published size such as `8B-Thinking` in full.

    Raises:
        NoName: neither.
    """
    if _NAME.fullmatch(name):
        return name
    found = member(name)
    if found is None or "/" in name:
        raise NoName(f"no checkpoint `{name}`, expected owner/name or one of {', '.join(MEMBERS)}")
    size, fp8 = found
    return repository(size, "Thinking" if "Thinking" in name else "Instruct", fp8)


def is_name(name: str) -> bool:
    """Whether this is how a checkpoint on the hub is called, and no path: `owner/name` or a published size."""
    return bool(_NAME.fullmatch(name)) if "/" in name else member(name) is not None


def pulled(name: str) -> Path:
    """Where a checkpoint lies that was fetched before: `checkpoints/NAME`, or the hub's own cache. No network.

    Raises:
        ModelError: it is in neither.
    """
    source = resolve(name)
    folder = Path("checkpoints") / source.rpartition("/")[2]
    if (folder / "config.json").is_file():
        return folder
    with contextlib.suppress(ImportError):
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(source, "config.json")
        if isinstance(found, str):
            return Path(found).parent
    raise ModelError(f"{source} is not here, expected {folder} or the hub's cache: agent model pull {name}")


def pull(name: str, folder: Path | None = None) -> Path:
    """Fetch a checkpoint into a folder, with progress on standard error.

    Args:
        name: as for `resolve`.
        folder: where to; `checkpoints/NAME` by default.

    Raises:
        NoName: it is neither a size that is known nor OWNER/NAME.
        ModelError: no such repository, no network, no room, or files that are no Qwen3-VL.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    source = resolve(name)
    target = folder or Path("checkpoints") / source.rpartition("/")[2]
    try:
        snapshot_download(source, local_dir=target, allow_patterns=[one for one in PATTERNS if one != _WEIGHTS])
        _fetch_weights(source, target)
        snapshot_download(source, local_dir=target, allow_patterns=list(PATTERNS))
    except GatedRepoError as error:
        raise ModelError(f"{source} asks for consent first: accept its terms on the hub and set HF_TOKEN") from error
    except RepositoryNotFoundError as error:
        raise ModelError(f"the hub knows no {source}, or it is private: check the name, set HF_TOKEN") from error
    except LocalEntryNotFoundError as error:
        raise ModelError(
            f"cannot reach the hub for {source}: check the network, HF_ENDPOINT and HF_HUB_OFFLINE"
        ) from error
    except HfHubHTTPError as error:
        raise ModelError(f"the hub refused {source}: {_line(error)}") from error
    except OSError as error:
        raise ModelError(f"{target}: {_line(error)}: run it again to go on where it ended") from error
    except Exception as error:  # transport errors of whichever client huggingface_hub uses
        raise ModelError(f"cannot fetch {source}: {_line(error)}: run it again to go on where it ended") from error
    return target


def _fetch_weights(source: str, target: Path) -> None:
    """Each file of weights into a part of its own, going on where an earlier pull ended, then into its place.

    huggingface_hub goes on within one call and begins a file anew in the next. What lies in its place it holds against
    the hub's SHA-256, and fetches again what differs.
    """
    from urllib.parse import urlsplit

    from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    for name in HfApi().list_repo_files(source):
        if not name.endswith(".safetensors") or ".." in Path(name).parts:
            continue
        url = hf_hub_url(source, name)
        about = get_hf_file_metadata(url)
        place = target / name
        if about.etag is None or (place.is_file() and place.stat().st_size == about.size):
            continue
        headers = build_hf_headers()
        if urlsplit(about.location).netloc != urlsplit(url).netloc:
            headers.pop("authorization", None)  # the key is the hub's, not that of where it keeps its files
        part = place.with_name(f"{place.name}.{about.etag[:16]}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as opened:
            http_get(
                about.location, opened, resume_size=opened.tell(), headers=headers,
                expected_size=about.size, displayed_filename=name,
            )  # fmt: skip
        part.replace(place)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
