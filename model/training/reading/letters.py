"""Count short runs of characters of what the training pages say, for `model.reading.letters`.

    python -m model.training.reading.letters --data /tmp/web-data/train --out model/pilot

Pages of the training split alone: one word in five was never on them, so that "unseen words" stay unseen.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from model.reading.alphabet import folded
from model.reading.letters import EDGE, FILE, ORDER, plain
from model.training.words import Words, default_pools

__all__ = ["count", "main"]

LEAST = 3
"""Runs that were seen less often are left out."""
PHRASES = 60_000


def count(texts: Iterable[str]) -> dict[str, int]:
    """All runs of one to `ORDER` characters that were seen often enough."""
    counts: Counter[str] = Counter()
    for text in texts:
        whole = EDGE + plain(folded(text)) + EDGE
        for start in range(len(whole)):
            for end in range(start + 1, min(start + ORDER, len(whole)) + 1):
                counts[whole[start:end]] += 1
    return {run: n for run, n in sorted(counts.items()) if n >= LEAST}


def _lines(folders: Sequence[Path]) -> Iterator[str]:
    for path in (path for folder in folders for path in sorted(folder.glob("shard-*.zip"))):
        with zipfile.ZipFile(path) as shard:
            for name in shard.namelist():
                if name.endswith(".json"):
                    yield from dict.fromkeys(line["text"] for line in json.loads(shard.read(name))["lines"])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of rendered shards")
    parser.add_argument("--out", type=Path, default=Path("model/pilot"))
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    words = Words(default_pools().of("train"), random.Random(given.seed))
    drawn = [words.phrase() for _ in range(PHRASES)]
    counts = count([*_lines(given.data), *drawn])
    packed = gzip.compress(json.dumps(counts, ensure_ascii=False).encode(), mtime=0)
    (given.out / FILE).write_bytes(packed)
    print(f"{len(counts)} runs, {len(packed) // 1000} kB")


if __name__ == "__main__":
    main()
