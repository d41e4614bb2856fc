"""Join a decoder, a tower that was taught to read and its reading heads into one checkpoint folder.

    python -m model.training.join --decoder model/pilot --reading /tmp/reader-wip --out model/pilot

The decoder comes with everything else of its folder; `--reading` is the working folder of `model.training.reading.run`.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
from pathlib import Path

from safetensors.torch import load_file

from model.reading import alphabet, letters, reader
from model.training import checkpoint
from model.training.work import expect_checkpoint

__all__ = ["TOWER", "join", "main", "write_sums"]

TOWER = "tower.safetensors"
"""The tower's weights in the working folder of a reading training."""

_SUMS = "SHA256SUMS"


def join(decoder: Path, reading: Path, out: Path) -> None:
    """Write the joint folder.

    Raises:
        ValueError: the tower has weights that the decoder's own tower does not have.
    """
    network, tokenizer = checkpoint.read(decoder)
    tower = load_file(reading / TOWER)
    unknown = network.model.visual.load_state_dict(tower, strict=False).unexpected_keys
    if unknown:
        raise ValueError(f"{reading}: the tower has weights that {decoder} lacks: {', '.join(unknown[:3])}")
    checkpoint.write(network, tokenizer, out)
    for name in (reader.WEIGHTS, alphabet.FILE):
        shutil.copyfile(reading / name, out / name)
    if (decoder / letters.FILE).is_file() and not out.samefile(decoder):
        shutil.copyfile(decoder / letters.FILE, out / letters.FILE)
    write_sums(out)


def write_sums(folder: Path) -> None:
    """`SHA256SUMS` of everything in the folder but itself and its card."""
    lines = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name not in (_SUMS, "README.md") and path.suffix != ".png":
            lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}")
    (folder / _SUMS).write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decoder", type=Path, default=Path("model/pilot"))
    parser.add_argument("--reading", type=Path, default=Path("/tmp/reader-wip"))
    parser.add_argument("--out", type=Path, default=Path("model/pilot"))
    given = parser.parse_args()
    expect_checkpoint(parser, "--decoder", given.decoder)
    missing = [name for name in (TOWER, reader.WEIGHTS, alphabet.FILE) if not (given.reading / name).is_file()]
    if missing:
        parser.error(f"--reading: `{given.reading}` lacks {', '.join(missing)}; model.training.reading.run writes them")
    join(given.decoder, given.reading, given.out)


if __name__ == "__main__":
    main()
