"""Pictures that are larger than a platform takes, judged by a decoder that is not ours."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import random
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from bells import eventually, invariant, reports
from impostor import impostor
from test_channels import OK, one, parts
from test_files import MEDIA, SENT, STORED, TELEGRAM, event, rooted, rows_of

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
    found = ImageStat.Stat(ImageChops.difference(opened(one), opened(other))).mean
    return sum(found) / len(found)


def is_the_same_picture(sent: bytes, arrived: bytes, loss: float) -> None:
    """Nothing but its coefficients changed, and these by no more than the loss."""
    before, after = opened(sent), opened(arrived)
    assert (after.format, after.size, after.mode) == ("JPEG", before.size, before.mode)
    assert after.getexif()[ORIENTATION] == 6
    assert after.info["icc_profile"] == before.info["icc_profile"]
    assert after.layer == before.layer, "the sampling"
    assert difference(sent, arrived) <= loss


KINDS = {
    "4:2:0": ("RGB", {"quality": 97, "subsampling": "4:2:0"}),
    "4:2:2": ("RGB", {"quality": 97, "subsampling": "4:2:2"}),
    "4:4:4": ("RGB", {"quality": 93, "subsampling": "4:4:4"}),
    "every step is one": ("RGB", {"quality": 100, "subsampling": "4:4:4"}),
    "tables of its own": ("RGB", {"quality": 97, "optimize": True}),
    "restarts": ("RGB", {"quality": 97, "restart_marker_blocks": 7, "optimize": True}),
    "restarts by the row": ("RGB", {"quality": 97, "subsampling": "4:4:4", "restart_marker_rows": 1}),
    "progressive": ("RGB", {"quality": 97, "progressive": True}),
    "progressive with restarts": ("RGB", {"quality": 97, "progressive": True, "restart_marker_rows": 3}),
    "grey": ("L", {"quality": 99}),
    "progressive grey": ("L", {"quality": 99, "progressive": True}),
    "four colours": ("CMYK", {"quality": 93}),
}


@pytest.mark.parametrize("kind", KINDS)
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


@pytest.mark.parametrize("kind", ["4:2:0", "restarts by the row"])
def test_the_impostor_of_wecom_takes_a_large_jpeg_as_a_picture(tmp_path, ring, kind):
    mode, options = KINDS[kind]
    with impostor("wecom") as receiver:
        config = one(tmp_path, "team", "wecom", receiver.url, timeout="60s")
        bell = ring(rooted(tmp_path, config, photo_jpg=saved(photograph(mode), **options)))
        bell.emit("task.complete", event("photo.jpg"))
        assert [receiver.next()["answer"] for _ in range(2)] == ["ok", "ok"], "a file would be three"
        (report,) = reports(bell, 1)
        assert report["state"] == "delivered"


@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_behind_a_picture_goes_before_any_of_it(tmp_path, receive, ring, kind):
    receiver = receive(default=OK)
    mode, options = KINDS[kind]
    small = saved(photograph(mode, (643, 481)), **options, comment=b"c" * 60_000)
    # As telephones write it: another picture behind the first.
    sent = small + b"\0" * (3 * MIB)
    bell = ring(rooted(tmp_path, one(tmp_path, "team", "wecom", receiver.url()), photo_jpg=sent))
    bell.emit("task.complete", event("photo.jpg"))
    _text, request = [request.json() for request in receiver.wait_for(2)]
    arrived = base64.b64decode(request["image"]["base64"])
    assert len(arrived) <= 2 * MIB
    is_the_same_picture(small, arrived, 0)
    assert opened(arrived).info["comment"] == b"c" * 60_000


@pytest.mark.parametrize("kind", ["broken off", "progressive and broken off", "arithmetic"])
def test_a_jpeg_that_is_not_read_goes_to_wecom_as_a_file(tmp_path, receive, ring, kind):
    sent = saved(photograph(), quality=98, progressive="progressive" in kind)
    if kind == "arithmetic":
        sent = sent.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc9\x00\x11\x08")
        assert b"\xff\xc9\x00\x11\x08" in sent
    else:
        sent = sent[: -len(sent) // 9]
    assert len(sent) > 2 * MIB
    receiver = receive(lambda request, _number: MEDIA if "/upload_media?" in request.target else OK)
    url = receiver.url("/cgi-bin/webhook/send?key=marker-4f9c2a71d0")
    bell = ring(rooted(tmp_path, one(tmp_path, "team", "wecom", url), photo_jpg=sent))
    bell.emit("task.complete", event("photo.jpg"))
    _text, upload, named = receiver.wait_for(3)
    assert parts(upload)["media"] == ("photo.jpg", sent)
    assert named.json()["msgtype"] == "file"
    eventually("all attempts in the log", lambda: len(rows_of(tmp_path, 3)) == 3)


@pytest.mark.parametrize("is_wide", [False, True])
def test_telegram_shows_a_large_jpeg_and_takes_one_with_long_sides_as_it_was(
    tmp_path, receive, ring, is_wide
):
    # Behind the picture stands so much that it is too large; nothing of it need be lost.
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


def test_discord_shows_a_jpeg_that_it_would_not_take(tmp_path, receive, ring):
    sent = saved(photograph(sides=(3200, 2400)), quality=100, subsampling="4:4:4")
    assert len(sent) > 10 * MIB
    receiver = receive(default=STORED)
    config = one(tmp_path, "team", "discord", receiver.url(), timeout="60s")
    bell = ring(rooted(tmp_path, config, photo_jpg=sent))
    bell.emit("task.complete", event("photo.jpg"))
    (report,) = reports(bell, 1)
    assert report["state"] == "delivered"
    name, arrived = parts(receiver.requests[0])["files[0]"]
    assert name == "photo.jpg"
    assert len(arrived) <= 10 * MIB
    is_the_same_picture(sent, arrived, 4)
