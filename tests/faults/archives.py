"""Attack the unpacking: archives of every format with damage anywhere, and some that are made to do harm.

What is drawn depends on the seed and the number of the attempt alone.
"""

import gzip
import io
import itertools
import random
import shutil
import struct
import tarfile
import traceback
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from data.download.archives import tar_bytes, tar_kind, write_rar, write_tar, write_zip
from faults.attempt import HUNG, OUTSIDE, TRACED, Attempt, TooLongError, content, limited
from fundus_unet.core.errors import InputError
from fundus_unet.data.download.unpack import Allowance, Unpacking

SECONDS = 20
"""After so long an attempt hangs."""
MEMORY = 60_000_000
UNPACKED = "unpacked"
BYTES, FILES = 2_000_000, 100
"""What a set may have here."""
STORED = {"set/a.png": b"a" * 3000, "set/labels/b.png": random.Random(0).randbytes(2000), "set/c.txt": b""}
_LONG = {"set/" + "n" * 150 + "/" + "m" * 90 + ".png": b"1" * 600}  # more than a plain header has room for
_INTERESTING = (b"\x00", b"\xff", b"\x7f", b"\x80", b"\n", b"/", b"..", b"-", b"9" * 11, b"\xff" * 8, b"\x00" * 512)


def damaged(seed: int, count: int, folder: Path) -> list[Attempt]:
    """Unpack `count` archives that were sound, each with some bytes changed, cut off, doubled or put in."""
    sound = [(name, _written(folder / name, write)) for name, write in _SOUND.items()]
    attempts = []
    for number in range(count):
        draw = random.Random(f"{seed} {number}")
        name, data = draw.choice(sound)
        attempts.append(
            unpacked(f"damaged archives, {name}", f"seed {seed}, {number}", name, _damage(draw, data), folder)
        )
    return attempts


def hostile(folder: Path) -> list[Attempt]:
    """Unpack each archive that is made to do harm; all but `HARMLESS` are refused, without taking much memory."""
    attempts = []
    for name, make in HOSTILE.items():
        data = make()
        tracemalloc.start()
        attempt = unpacked("hostile archives", name, name, data, folder)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        if attempt.failure is None and peak > MEMORY:
            attempt = replace(attempt, failure=HUNG, told=f"{peak:,} bytes of memory")
        if attempt.failure is None and attempt.told == UNPACKED and name not in HARMLESS:
            attempt = replace(attempt, failure=OUTSIDE, told=UNPACKED)
        attempts.append(attempt)
    return attempts


def unpacked(kind: str, detail: str, name: str, data: bytes, folder: Path) -> Attempt:
    """Unpack an archive of these bytes: what is in it comes, or an `InputError` that says why it does not."""
    around = folder / "around"
    shutil.rmtree(around, ignore_errors=True)
    into = around / "into"
    into.mkdir(parents=True)
    archive = around / name
    archive.write_bytes(data)
    before = content(around)
    failure, told = None, UNPACKED
    try:
        with limited(SECONDS):
            Unpacking(Allowance(BYTES, FILES)).unpack(archive, into)
    except InputError as error:
        told = str(error)
    except TooLongError:
        failure, told = HUNG, traceback.format_exc()
    except BaseException:
        failure, told = TRACED, traceback.format_exc()
    written = sum(path.lstat().st_size for path in into.rglob("*") if not path.is_dir())
    odd = [path for path in into.rglob("*") if path.is_symlink() or not (path.is_file() or path.is_dir())]
    shutil.rmtree(into)
    if failure is None and (odd or written > BYTES + 2**20 or content(around) != before):
        failure, told = OUTSIDE, f"links or devices {odd}, {written:,} bytes"
    return Attempt(kind, detail, failure, told)


def _written(path: Path, write: Callable[[Path], object]) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path)
    return path.read_bytes()


_SOUND: dict[str, Callable[[Path], object]] = {
    "a.zip": lambda path: write_zip(path, STORED),
    "stored.zip": lambda path: write_zip(path, STORED, zipfile.ZIP_STORED),
    "bzip2.zip": lambda path: write_zip(path, STORED, zipfile.ZIP_BZIP2),
    "lzma.zip": lambda path: write_zip(path, STORED, zipfile.ZIP_LZMA),
    "a.tar": lambda path: write_tar(path, STORED | _LONG),
    "a.tar.gz": lambda path: write_tar(path, STORED, "w:gz"),
    "a.tar.bz2": lambda path: write_tar(path, STORED, "w:bz2"),
    "a.tar.xz": lambda path: write_tar(path, STORED, "w:xz"),
    "a.rar": lambda path: write_rar(path, STORED),
    "a.ppm.gz": lambda path: path.write_bytes(gzip.compress(STORED["set/a.png"])),
    "sparse.tar": lambda path: path.write_bytes(_old_sparse([(0, 512), (4096, 512)], 8192)),
    "pax.tar": lambda path: path.write_bytes(
        _pax({"path": "set/p.png", "size": "600"}) + _header("x", 600) + b"1" * 1024
    ),
}


def _damage(draw: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 5, 20))):
        place = draw.choice((draw.randrange(len(changed) + 1), draw.randrange(min(600, len(changed)) + 1)))
        if draw.random() < 0.3:  # the list of a zip lies at its end
            place = max(0, len(changed) - draw.randrange(300))
        how = draw.randrange(6)
        if how == 0 and place < len(changed):
            changed[place] = draw.randrange(256)
        elif how == 1:
            value = draw.choice(_INTERESTING)
            changed[place : place + len(value)] = value
        elif how == 2 and draw.random() < 0.3:
            del changed[place:]
        elif how == 3:
            del changed[place : place + draw.choice((1, 4, 100))]
        elif how == 4:
            changed[place:place] = changed[place : place + draw.choice((1, 30, 512, 5000))]
        else:
            _fix_tar_sums(changed) if draw.random() < 0.5 else changed.extend(draw.randbytes(draw.choice((1, 100))))
    if draw.random() < 0.5:
        _fix_tar_sums(changed)
    return bytes(changed)


def _fix_tar_sums(data: bytearray) -> None:
    """Give the blocks of a tar that look like headers the sum that they are believed for."""
    for start in range(0, len(data) - 511, 512):
        if data[start + 257 : start + 262] == b"ustar":
            data[start : start + 512] = _with_sum(bytes(data[start : start + 512]))


def _with_sum(header: bytes) -> bytes:
    blank = header[:148] + b" " * 8 + header[156:]
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]


def _header(name: str, size: int | bytes, kind: bytes = b"0", link: str = "") -> bytes:
    """A header of a tar, with a size that may be anything."""
    told = size if isinstance(size, bytes) else b"%011o\0" % size
    fields = (name.encode().ljust(100, b"\0"), b"0000644\0" + b"0000000\0" * 2, told.ljust(12, b"\0")[:12])
    head = b"".join(fields) + b"00000000000\0" + b" " * 8 + kind + link.encode().ljust(100, b"\0") + b"ustar\x0000"
    return _with_sum(head.ljust(512, b"\0"))


def _blocks(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 512)


def _pax(values: dict[str, str], kind: bytes = b"x") -> bytes:
    body = b""
    for key, value in values.items():
        line = f" {key}={value}\n".encode()
        length = len(line) + 1
        while len(str(length)) + len(line) != length:
            length = len(str(length)) + len(line)
        body += str(length).encode() + line
    return _header("pax", len(body), kind) + _blocks(body)


def _old_sparse(parts: list[tuple[int, int]], size: int, extended: bool = False, start: bytes | None = None) -> bytes:
    header = bytearray(_header("set/sparse.png", sum(length for _, length in parts), b"S"))
    for number, (offset, length) in enumerate(parts[:4]):
        header[386 + 24 * number : 386 + 24 * number + 24] = b"%011o\0%011o\0" % (offset, length)
    header[482] = extended
    header[483:495] = b"%011o\0" % size if start is None else start
    return _with_sum(bytes(header)) + b"1" * _up(sum(length for _, length in parts))


def _up(size: int) -> int:
    return -(-size // 512) * 512


def _negative(size: int) -> bytes:
    """A number as GNU tar writes those that have no room in octal digits."""
    return b"\xff" + (256**11 + size).to_bytes(11, "big")


def _large(size: int) -> bytes:
    return b"\x80" + size.to_bytes(11, "big")


_END = b"\0" * 1024
_GOOD = _header("set/a.png", 3) + _blocks(b"abc")


def _packed(pieces: Iterator[bytes], level: int = 9) -> bytes:
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=level) as file:
        for piece in pieces:
            file.write(piece)
    return buffer.getvalue()


def _zeros(size: int) -> Iterator[bytes]:
    for _ in range(size // 2**20):
        yield bytes(2**20)


def _bz2_zeros(head: bytes, size: int) -> bytes:
    import bz2

    packer = bz2.BZ2Compressor()
    return packer.compress(head) + b"".join(packer.compress(piece) for piece in _zeros(size)) + packer.flush()


def _zip(entries: list[tuple[str, bytes]], *modes: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for (name, data), mode in itertools.zip_longest(entries, modes, fillvalue=0o100644):
            info = zipfile.ZipInfo("x")
            info.filename = name
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system, info.external_attr = 3, mode << 16
            archive.NameToInfo.pop(name, None)  # it warns of a second one of that name
            archive.writestr(info, data)
    return buffer.getvalue()


def _quoted(times: int) -> bytes:
    """A zip all of whose entries are the same bytes: 'a better zip bomb' in small."""
    data = _zip([("a.png", b"a" * 100_000)])
    end = data.rindex(b"PK\x05\x06")
    start = struct.unpack("<I", data[end + 16 : end + 20])[0]
    entry, local = data[start:end], data[:start]
    entries = b"".join(entry[:46] + f"{number:05}".encode() + entry[51:] for number in range(times))
    tail = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, times, times, len(entries), len(local), 0)
    return local + entries + tail


def _nested(depth: int) -> bytes:
    data = _zip([("a.png", b"a" * 1_900_000)])
    for _ in range(depth):
        data = _zip([(f"{number}.zip", data) for number in range(10)])
    return data


def _eocd(entries: int = 0, size: int = 0, start: int = 0, comment: int = 0) -> bytes:
    return b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, entries, entries, size, start, comment)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "slip.zip": lambda: _zip([("../../out.png", b"x")]),
    "link, then a file through it.zip": lambda: _zip([("d", b"/tmp"), ("d/out.png", b"x")], 0o120777),
    "link, then a file through it.tar": lambda: tar_bytes({"d": tar_kind(tarfile.SYMTYPE, "/tmp"), "d/out.png": b"x"}),
    "hard link out.tar": lambda: tar_bytes({"a.png": tar_kind(tarfile.LNKTYPE, "../../../etc/passwd")}),
    "device.tar": lambda: tar_bytes({"a.png": tar_kind(tarfile.CHRTYPE)}),
    "pipe.tar": lambda: tar_bytes({"a.png": tar_kind(tarfile.FIFOTYPE)}),
    "unknown kind.tar": lambda: _header("a.png", 3, b"Q") + _blocks(b"abc") + _END,
    "device in a zip.zip": lambda: _zip([("a.png", b"x")], 0o020644),
    "twice.zip": lambda: _zip([("a.png", b"1"), ("a.png", b"2")]),
    "capitals.zip": lambda: _zip([("images/A.png", b"1"), ("images/a.PNG", b"2")]),
    "composed.zip": lambda: _zip([("\u00e9.png", b"1"), ("e\u0301.png", b"2")]),
    "long s.zip": lambda: _zip([("\u017f.png", b"1"), ("s.png", b"2")]),
    "full width dots.zip": lambda: _zip([("\uff0e\uff0e/out.png", b"1")]),
    "quoted.zip": lambda: _quoted(5000),
    "nested.zip": lambda: _nested(2),
    "in itself four times.zip": lambda: _nested(4),
    "many entries.zip": lambda: _zip([(f"{number}/", b"") for number in range(5000)]),
    "many entries.tar": lambda: b"".join(_header(f"{number}/", 0, b"5") for number in range(5000)) + _END,
    "bomb.zip": lambda: _zip([("a.png", b"\0" * 50_000_000)]),
    "bomb.tar.gz": lambda: _packed(iter([_header("a.png", 50_000_000), *_zeros(50 * 2**20)])),
    "bomb in what is left out.tar.bz2": lambda: _bz2_zeros(_header("._a.png", _large(2**40)), 2**26),
    "bomb in a folder.tar.bz2": lambda: _bz2_zeros(_header("a/", _large(2**40), b"5"), 2**26),
    "bomb behind the end.tar.gz": lambda: _packed(iter([_GOOD, *_zeros(50 * 2**20)])),
    "bomb in a pax header.tar.gz": lambda: _packed(iter([_header("x", _large(3 * 2**30), b"x"), *_zeros(2**26)])),
    "bomb in a long name.tar.gz": lambda: _packed(iter([_header("x", _large(3 * 2**30), b"L"), *_zeros(2**26)])),
    "pax headers without end.tar": lambda: _pax({"a": "b"}) * 3000 + _GOOD + _END,
    "long names without end.tar": lambda: (_header("x", 5, b"L") + _blocks(b"name\0")) * 3000 + _GOOD + _END,
    "global headers without end.tar": lambda: _pax({"a": "b"}, b"g") * 3000 + _GOOD + _END,
    "pax size below zero.tar": lambda: _GOOD + _pax({"size": "-512"}) + _GOOD + _END,
    "pax size far below zero.tar": lambda: _GOOD + _pax({"size": "-1000000"}) + _GOOD + _END,
    "pax size of a word.tar": lambda: _pax({"size": "x"}) + _GOOD + _END,
    "pax size without end.tar": lambda: _pax({"size": "9" * 5000}) + _GOOD + _END,
    "pax path out.tar": lambda: _pax({"path": "../../out.png"}) + _GOOD + _END,
    "pax link out.tar": lambda: _pax({"linkpath": "/etc/passwd"}) + _header("a.png", 0, b"2") + _END,
    "pax bytes that are no text.tar": lambda: (
        _header("x", 15, b"x") + _blocks(b"15 path=\xff\xfe\xfd\xfc\xfb\xfa\n") + _END
    ),
    "pax length of nothing.tar": lambda: _header("x", 9, b"x") + _blocks(b"0 path=x\n") + _GOOD + _END,
    "pax of many digits.tar": lambda: _header("x", 90_000, b"x") + _blocks(b"1" * 90_000) + _GOOD + _END,
    "size below zero.tar": lambda: _GOOD + _header("b.png", _negative(-512)) + _GOOD + _END,
    "what is left out, of a size below zero.tar": lambda: _GOOD + _header("._b", _negative(-512)) + _GOOD + _END,
    "size far below zero.tar": lambda: _GOOD + _header("b.png", _negative(-(2**60))) + _GOOD + _END,
    "size above everything.tar": lambda: _header("b.png", _large(2**80)) + _GOOD + _END,
    "what is left out, above everything.tar": lambda: _header("._b", _large(2**80)) + _GOOD + _END,
    "sparse and large.tar": lambda: _old_sparse([(0, 512), (2**33 - 512, 512)], 2**33 - 1) + _END,
    "sparse and below zero.tar": lambda: _old_sparse([(0, 512)], 0, start=_negative(-5)) + _END,
    "sparse and overlapping.tar": lambda: _old_sparse([(0, 512), (0, 512), (100, 512)], 8192) + _END,
    "sparse without end.tar.gz": lambda: _packed(
        iter(
            [
                _old_sparse([], 0, extended=True),
                *([(b"%011o\0%011o\0" % (1, 1) * 21 + b"\1").ljust(512, b"\0") * 2048] * 50),
            ]
        )
    ),
    "pax sparse, cut off.tar": lambda: (
        _pax({"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}) + _header("a.png", 512) + b"9" * 512
    ),
    "pax sparse of words.tar": lambda: _pax({"GNU.sparse.map": "a,b,c", "GNU.sparse.size": "9"}) + _GOOD + _END,
    "pax sparse, large.tar": lambda: (
        _pax({"GNU.sparse.map": "0,3", "GNU.sparse.size": str(2**62), "GNU.sparse.name": "a.png"}) + _GOOD + _END
    ),
    "a list of nothing.zip": lambda: b"PK\x03\x04" + _eocd(),
    "a list elsewhere.zip": lambda: b"PK\x03\x04" + _eocd(5, 500, 2**31),
    "a list longer than the file.zip": lambda: b"PK\x03\x04" + _eocd(65535, 2**32 - 2, 4),
    "a list that is cut off.zip": lambda: (data := _zip([("a.png", b"1" * 100)]))[: data.rindex(b"PK\x01\x02") + 30],
    "data in front.zip": lambda: b"PK\x03\x04" + b"x" * 5000 + _zip([("a.png", b"1")]),
    "zip64 of a size below zero.zip": lambda: (
        b"PK\x03\x04"
        + b"PK\x06\x06"
        + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 2**63, 2**63, 2**64 - 1, 2**64 - 1)
        + b"PK\x06\x07"
        + struct.pack("<IQI", 0, 4, 1)
        + _eocd(65535, 2**32 - 1, 2**32 - 1)
    ),
    "a tar in a zip that names it a picture.zip": lambda: _zip([("a.png", tar_bytes({"../out.png": b"x"}))]),
    "a hostile tar in a zip.zip": lambda: _zip([("inner.tar", _pax({"a": "b"}) * 3000 + _GOOD + _END)]),
    "a page in a zip.zip": lambda: _zip([("a.zip", b"<html>")]),
    "rar without a body.rar": lambda: b"Rar!\x1a\x07\x01\x00",
    "rar of old, without a body.rar": lambda: b"Rar!\x1a\x07\x00" + b"\xff" * 50,
    "rar of nothing but set bits.rar": lambda: b"Rar!\x1a\x07\x01\x00" + b"\xff" * 5000,
    "gz in gz in gz.gz": lambda: gzip.compress(gzip.compress(gzip.compress(b"x"))),
    "bomb.gz": lambda: _packed(_zeros(50 * 2**20)),
}
"""By the name that the archive is given."""
HARMLESS = {
    "full width dots.zip",
    "pax size of a word.tar",
    "pax size without end.tar",
    "sparse and overlapping.tar",
    "a list of nothing.zip",
    "data in front.zip",
    "a tar in a zip that names it a picture.zip",
    "a page in a zip.zip",
    "rar without a body.rar",
    "rar of old, without a body.rar",
    "rar of nothing but set bits.rar",
    "gz in gz in gz.gz",
}
"""What comes of these stays in its folder, and the set's class does not find its images there."""
