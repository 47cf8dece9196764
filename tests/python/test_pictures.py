"""Pictures that are larger than a platform takes, judged by an independent decoder."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import random
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from bells import eventually, invariant, reports
from test_channels import OK, one, parts
from test_files import SENT, TELEGRAM, event, rooted, rows_of, wecom, wecom_answers
from tools import python

MIB = 1 << 20
SIDES = (2500, 1900)
ORIENTATION = 0x0112


def photograph(mode: str = "RGB", sides: tuple[int, int] = SIDES, noise: int = 40) -> Image.Image:
    """Gradients in each colour, noise on them, and edges."""
    draw = random.Random(7)
    grain = Image.frombytes("L", sides, draw.randbytes(sides[0] * sides[1]))
    slope = Image.linear_gradient("L")
    bands = []
    for band in range(len(mode)):
        turned = slope.rotate(90 * band).resize(sides, Image.Resampling.BICUBIC)
        grained = Image.blend(turned, ImageChops.offset(grain, 31 * band, 7), noise / 256)
        grained.paste(30 + 60 * band, (200, 300, 900, 700))
        bands.append(grained)
    return Image.merge(mode, bands) if len(bands) > 1 else bands[0]


def saved(picture: Image.Image, **options: Any) -> bytes:
    """As a JPEG, turned on its side, with a colour profile."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    stream = io.BytesIO()
    picture.save(stream, "JPEG", exif=exif, icc_profile=profile, **options)
    return stream.getvalue()


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def difference(one: bytes, other: bytes) -> float:
    """How far the pixels of two pictures are apart, on average, of 255."""
    pictures = [opened(data).convert("RGB") for data in (one, other)]
    found = ImageStat.Stat(ImageChops.difference(*pictures)).mean
    return sum(found) / len(found)


def is_the_same_picture(sent: bytes, arrived: bytes, loss: float) -> None:
    """Sides, orientation and colour profile stay, and its pixels change by no more than the loss."""
    before, after = opened(sent), opened(arrived)
    mode = "RGB" if before.mode == "CMYK" and loss else before.mode
    assert (after.format, after.size, after.mode) == ("JPEG", before.size, mode)
    assert after.getexif()[ORIENTATION] == 6
    assert after.info["icc_profile"] == before.info["icc_profile"]
    assert difference(sent, arrived) <= loss


KINDS = {
    "4:2:0": ("RGB", {"quality": 97, "subsampling": "4:2:0"}),
    "4:2:2": ("RGB", {"quality": 97, "subsampling": "4:2:2"}),
    "4:4:4": ("RGB", {"quality": 93, "subsampling": "4:4:4"}),
    "the highest quality": ("RGB", {"quality": 100, "subsampling": "4:4:4"}),
    "its own Huffman tables": ("RGB", {"quality": 97, "optimize": True}),
    "restarts": ("RGB", {"quality": 97, "restart_marker_blocks": 7, "optimize": True}),
    "a restart after each row": ("RGB", {"quality": 97, "subsampling": "4:4:4", "restart_marker_rows": 1}),
    "progressive": ("RGB", {"quality": 97, "progressive": True}),
    "progressive with restarts": ("RGB", {"quality": 97, "progressive": True, "restart_marker_rows": 3}),
    "grey": ("L", {"quality": 99}),
    "progressive grey": ("L", {"quality": 99, "progressive": True}),
    "four colours": ("CMYK", {"quality": 93}),
}


# What its file holds does not change how its pixels are made smaller; each way to hold them is tried below.
@pytest.mark.parametrize("kind", ["4:2:0", "progressive with restarts", "grey", "four colours"])
def test_a_large_jpeg_arrives_at_wecom_as_the_same_picture(tmp_path, receive, ring, kind):
    mode, options = KINDS[kind]
    sent = saved(photograph(mode), **options)
    assert 2 * MIB < len(sent) < 12 * MIB
    receiver = receive(default=OK)
    url = receiver.url()
    bell = ring(rooted(tmp_path, one(tmp_path, "team", "wecom", url, timeout="60s"), photo_jpg=sent))
    bell.emit("task.complete", event("photo.jpg"))
    text, request = [request.json() for request in receiver.wait_for(2)]
    assert (text["msgtype"], request["msgtype"]) == ("markdown", "image")
    arrived = base64.b64decode(request["image"]["base64"])
    assert request["image"]["md5"] == hashlib.md5(arrived).hexdigest()
    assert MIB < len(arrived) <= 2 * MIB, "no smaller than it must be"
    is_the_same_picture(sent, arrived, 10)
    assert [row["outcome"] for row in rows_of(tmp_path, 2)] == ["delivered", "delivered"]
    invariant(bell.stats(), 1)


@pytest.mark.parametrize("kind", KINDS)
def test_what_follows_a_jpeg_in_its_file_goes_before_any_of_it(tmp_path, receive, ring, kind):
    receiver = receive(default=OK)
    mode, options = KINDS[kind]
    small = saved(photograph(mode, (643, 481)), **options, comment=b"c" * 60_000)
    # As telephones write it: another picture after the first.
    sent = small + b"\0" * (3 * MIB)
    bell = ring(rooted(tmp_path, one(tmp_path, "team", "wecom", receiver.url()), photo_jpg=sent))
    bell.emit("task.complete", event("photo.jpg"))
    _text, request = [request.json() for request in receiver.wait_for(2)]
    arrived = base64.b64decode(request["image"]["base64"])
    assert len(arrived) <= 2 * MIB
    is_the_same_picture(small, arrived, 0)
    assert opened(arrived).info["comment"] == b"c" * 60_000


@pytest.mark.parametrize("kind", ["broken off", "progressive and broken off", "arithmetic"])
def test_a_jpeg_that_cannot_be_decoded_goes_to_wecom_as_a_file(tmp_path, receive, ring, kind):
    sent = saved(photograph(), quality=98, progressive="progressive" in kind)
    if kind == "arithmetic":
        sent = sent.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc9\x00\x11\x08")
        assert b"\xff\xc9\x00\x11\x08" in sent
    else:
        sent = sent[: -len(sent) // 9]
    assert len(sent) > 2 * MIB
    receiver = receive(wecom_answers)
    bell = ring(wecom(tmp_path, receiver, photo_jpg=sent))
    bell.emit("task.complete", event("photo.jpg"))
    _text, upload, named = receiver.wait_for(3)
    assert parts(upload)["media"] == ("photo.jpg", sent)
    assert named.json()["msgtype"] == "file"
    eventually("all attempts in the log", lambda: len(rows_of(tmp_path, 3)) == 3)


@pytest.mark.parametrize("is_wide", [False, True])
def test_telegram_shows_a_large_jpeg_and_gets_one_with_long_sides_unchanged(tmp_path, receive, ring, is_wide):
    # The file is too large for what follows the picture, which loses nothing.
    picture = saved(photograph("L", (9800, 600) if is_wide else SIDES, noise=4), quality=80)
    sent = picture + os.urandom(11 * MIB)
    receiver = receive(default=SENT)
    config = one(tmp_path, "chat", "telegram", receiver.url(), timeout="60s", **TELEGRAM)
    bell = ring(rooted(tmp_path, config, photo_jpg=sent))
    bell.emit("task.complete", event("photo.jpg"))
    (report,) = reports(bell, 1)
    assert report["state"] == "delivered"
    (request,) = receiver.requests
    if is_wide:
        assert parts(request)["document"] == ("photo.jpg", sent)
    else:
        is_the_same_picture(picture, parts(request)["photo"][1], 0)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_notes(data: bytes, size: int = 3 * MIB) -> bytes:
    """A PNG that is too large because of the text in it."""
    return data[:33] + chunk(b"tEXt", b"workflow\0" + b"x" * size) + data[33:]


def as_png(picture: Image.Image, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG", **options)
    return stream.getvalue()


def as_webp(pictures: list[Image.Image], **options: Any) -> bytes:
    stream = io.BytesIO()
    pictures[0].save(stream, "WEBP", save_all=len(pictures) > 1, append_images=pictures[1:], **options)
    return stream.getvalue()


SMALL = (643, 481)
GRAINY = {
    "PNG": lambda: as_png(photograph(sides=SMALL, noise=4)),
    "transparent PNG": lambda: as_png(photograph("RGBA", SMALL, noise=4)),
    "grey PNG": lambda: as_png(photograph("L", SMALL, noise=4)),
    "grey and transparent PNG": lambda: as_png(photograph("LA", SMALL, noise=4)),
    "PNG of a palette": lambda: as_png(photograph(sides=SMALL, noise=4).quantize(64)),
    "PNG of a palette of four": lambda: as_png(photograph("L", SMALL, noise=4).quantize(4), bits=2),
    "PNG of two colours": lambda: as_png(photograph("L", SMALL, noise=4).convert("1")),
    "WebP": lambda: as_webp([photograph("RGB", SMALL, noise=4)], quality=80, method=0),
    "lossless WebP": lambda: as_webp([photograph("RGB", SMALL, noise=4)], lossless=True, method=0),
    "transparent WebP": lambda: as_webp([photograph("RGBA", SMALL, noise=4)], quality=80, method=0),
}


@pytest.mark.parametrize("kind", GRAINY)
def test_a_picture_that_wecom_does_not_take_arrives_as_the_same_picture(tmp_path, receive, ring, kind):
    """A PNG is too large because of the text in it; no WebP is taken."""
    sent = with_notes(GRAINY[kind]()) if "PNG" in kind else GRAINY[kind]()
    name = "photo.png" if "PNG" in kind else "photo.webp"
    receiver = receive(default=OK)
    config = one(tmp_path, "team", "wecom", receiver.url(), timeout="60s")
    bell = ring(rooted(tmp_path, config, **{name.replace(".", "_"): sent}))
    bell.emit("task.complete", event(name))
    _text, request = [request.json() for request in receiver.wait_for(2)]
    arrived = opened(base64.b64decode(request["image"]["base64"]))
    whole = opened(sent).convert("RGBA")
    on_white = Image.alpha_composite(Image.new("RGBA", whole.size, "white"), whole).convert("RGB")
    mode = "L" if "grey" in kind or "two colours" in kind else "RGB"
    assert (arrived.format, arrived.size, arrived.mode) == ("JPEG", whole.size, mode)
    found = ImageStat.Stat(ImageChops.difference(on_white, arrived.convert("RGB"))).mean
    assert max(found) <= (12 if "two colours" in kind else 4), found


def test_an_animated_webp_goes_to_wecom_as_a_file(tmp_path, receive, ring):
    frames = [photograph(sides=(60, 40), noise=noise) for noise in (4, 40)]
    sent = as_webp(frames, quality=80)
    receiver = receive(wecom_answers)
    bell = ring(wecom(tmp_path, receiver, photo_webp=sent))
    bell.emit("task.complete", event("photo.webp"))
    _text, upload, named = receiver.wait_for(3)
    assert parts(upload)["media"] == ("photo.webp", sent)
    assert named.json()["msgtype"] == "file"


HOST = """
import re, resource, sys, taskbell
def peak():
    # Of this process alone: the other figure begins with that of the process that started it.
    try:
        return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read()).group(1))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
bell = taskbell.Bell(sys.argv[1])
bell.emit("task.complete", {"name": "before"})
assert bell.flush(30)
before = peak()
bell.emit("task.complete", {"name": "run-7", "outputs": [{"path": sys.argv[2]}]})
assert bell.close(200) == 0
print((peak() - before) // 1024)
"""


def flat_png(width: int, height: int, kind: int, depth: int = 8) -> bytes:
    samples = {0: 1, 2: 3, 6: 4}[kind] * depth // 8
    row = b"\0" + bytes(range(40, 40 + samples)) * width
    packer = zlib.compressobj(1)
    image = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", image) + chunk(b"IEND", b"")


def flat_jpeg(*sides: int, **options: Any) -> bytes:
    """With a comment of a megabyte in 16 parts, so that it is too large for WeCom with what follows it."""
    stream = io.BytesIO()
    Image.new("RGB", sides, "teal").save(stream, "JPEG", quality=75, **options)
    comment = b"\xff\xfe\xff\xff" + b"c" * 65_533
    return stream.getvalue()[:2] + comment * 40 + stream.getvalue()[2:]


LARGE = {
    "RGBA": ("photo.png", lambda: with_notes(flat_png(6300, 6300, 6), 8 * MIB), (6300, 6300)),
    "too many in RGBA": ("photo.png", lambda: with_notes(flat_png(9000, 9000, 6), 8 * MIB), None),
    "16 bits": ("photo.png", lambda: with_notes(flat_png(4200, 4200, 6, 16), 3 * MIB), (4200, 4200)),
    "too many in RGB": ("photo.png", lambda: with_notes(flat_png(12_000, 9000, 2), 8 * MIB), None),
    "JPEG": ("photo.jpg", lambda: flat_jpeg(8000, 6000), (8000, 6000)),
    "progressive JPEG": (
        "photo.jpg",
        lambda: flat_jpeg(5000, 4000, progressive=True, subsampling="4:4:4"),
        (5000, 4000),
    ),
    "too many in a progressive JPEG": ("photo.jpg", lambda: flat_jpeg(8000, 6000, progressive=True), None),
    "WebP": (
        "photo.webp",
        lambda: as_webp([Image.new("RGB", (4000, 4000), "teal")], quality=50, method=0),
        (4000, 4000),
    ),
    "lossless WebP": (
        "photo.webp",
        lambda: as_webp([Image.new("RGBA", (5000, 5000), "teal")], lossless=True, method=0),
        (5000, 5000),
    ),
}


@pytest.mark.parametrize("kind", LARGE)
def test_the_memory_for_a_picture_is_bounded(tmp_path, receive, kind):
    name, make, shown = LARGE[kind]
    sent = make()
    receiver = receive(wecom_answers)
    config = wecom(tmp_path, receiver, **{name.replace(".", "_"): sent})
    config["endpoints"]["team"]["timeout"] = "60s"
    grown = int(python(HOST, json.dumps(config), name, timeout=300))
    assert grown < 250, f"{grown} MiB"
    last = receiver.requests[-1].json()
    assert last["msgtype"] == ("image" if shown else "file")
    if shown:
        assert opened(base64.b64decode(last["image"]["base64"])).size == shown
