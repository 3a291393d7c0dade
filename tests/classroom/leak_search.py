"""Search files for words that must not be in them: in archives, markup, JSON and base64 as well."""

import base64
import binascii
import html
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
TAG = re.compile(r"<[^<>]*>")
ARCHIVE = b"PK"
INVENTORY = b"# Sphinx inventory version 2\n"
LINES_BEFORE_THE_INVENTORY = 4
SEARCH_INDEX = "Search.setIndex("


def strings(value: Any) -> Iterator[str]:
    """All texts in a JSON value, names included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from strings(item)


def members(data: bytes) -> Iterator[bytes]:
    """What a zip archive holds: its files, their names, its comments."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        yield archive.comment
        for entry in archive.infolist():
            yield entry.filename.encode() + entry.comment + entry.extra
            yield archive.read(entry)


def decoded(data: bytes) -> Iterator[bytes]:
    """Whatever base64 may be in a file, from its first letter on."""
    for run in BASE64.findall(data):
        whole = run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        try:
            yield base64.b64decode(whole + b"=" * (-len(whole) % 4))
        except binascii.Error:
            continue


def json_texts(text: str) -> str:
    """The texts in a JSON file, or in Sphinx's search index."""
    if text.startswith(SEARCH_INDEX):
        text = text.removeprefix(SEARCH_INDEX).rstrip().removesuffix(")")
    try:
        return "\n".join(strings(json.loads(text)))
    except ValueError:
        return ""


def readings(data: bytes) -> Iterator[bytes]:
    """A file as it is, without markup, as the texts of its JSON, and all that is packed in it."""
    yield data
    if data.startswith(ARCHIVE):
        for part in members(data):
            yield from readings(part)
        return
    if data.startswith(INVENTORY):
        yield zlib.decompress(data.split(b"\n", LINES_BEFORE_THE_INVENTORY)[-1])
        return
    text = data.decode("utf-8", "replace")
    if "<" in text:
        yield html.unescape(TAG.sub("", text)).encode()
    if text.lstrip().startswith(("{", "[", SEARCH_INDEX)):
        texts = json_texts(text).encode("utf-8", "replace")
        yield texts
        yield from decoded(texts)
    yield from decoded(data)


def text_in(folder: Path) -> bytes:
    """All that is in the files of a folder, and their names, in lower case."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert files, f"nothing to search in {folder}"
    parts = []
    for path in files:
        parts.append(str(path.relative_to(folder)).encode())
        parts += readings(path.read_bytes())
    return b"\n".join(parts).lower()


def found_in(folder: Path, words: Iterable[str]) -> list[str]:
    """The words that occur anywhere in a folder, in capitals or not."""
    text = text_in(folder)
    return [word for word in words if word.lower().encode() in text]
