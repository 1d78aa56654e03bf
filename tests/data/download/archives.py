"""Archives that tests write: honest ones, and some that are made to do harm."""

import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

RAR_FILE, RAR_SERVICE, RAR_END = 2, 3, 5
STORED, PACKED = 0, 3


def write_zip(path: Path, files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.filename = name  # zipfile would make it harmless
            info.compress_type = compression
            archive.writestr(info, data)
    return path


def write_zip_link(path: Path, name: str, target: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.create_system = 3
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, target)
    return path


def write_tar(path: Path, files: Mapping[str, bytes | tarfile.TarInfo], mode: str = "w") -> Path:
    path.write_bytes(tar_bytes(files, mode))
    return path


def tar_bytes(files: Mapping[str, bytes | tarfile.TarInfo], mode: str = "w") -> bytes:
    """A `TarInfo` in place of content: a member of that kind under that name."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, data in files.items():
            if isinstance(data, tarfile.TarInfo):
                data.name = name
                archive.addfile(data)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def tar_kind(kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo()
    info.type, info.linkname = kind, target
    return info


def write_rar(path: Path, files: Mapping[str, bytes], method: int = STORED, link_to: str = "") -> Path:
    """A RAR 5 archive as its published format says, with what is in it stored; `method` may claim otherwise.

    Source:
        "RAR 5.0 archive format", the technical note of RARLAB.
    """
    blocks = [b"Rar!\x1a\x07\x01\x00", _block(1, 0, _number(0))]
    for name, data in files.items():
        encoded = name.encode()
        extra = b""
        if link_to:  # record 5, redirection: type 1 is a Unix symbolic link
            record = _number(5) + _number(1) + _number(0) + _number(len(link_to)) + link_to.encode()
            extra = _number(len(record)) + record
        fields = b"".join(
            (
                _number(4),  # the CRC is there
                _number(len(data)),
                _number(0o644),
                struct.pack("<I", zlib.crc32(data)),
                _number(method << 7),
                _number(1),  # Unix
                _number(len(encoded)),
                encoded,
            )
        )
        blocks += [_block(RAR_FILE, 2, fields, len(data), extra), data]
    blocks.append(_block(RAR_END, 0, _number(0)))
    path.write_bytes(b"".join(blocks))
    return path


def _block(kind: int, flags: int, fields: bytes, data_size: int | None = None, extra: bytes = b"") -> bytes:
    flags |= 1 if extra else 0
    sizes = (_number(len(extra)) if extra else b"") + (b"" if data_size is None else _number(data_size))
    header = _number(kind) + _number(flags) + sizes + fields + extra
    header = _number(len(header)) + header
    return struct.pack("<I", zlib.crc32(header)) + header


def _number(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow."""
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
