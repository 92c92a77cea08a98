#!/usr/bin/env python3
"""A second, independent reader and writer of the safetensors format, with numpy alone.

    python3 tests/golden/safetensors_golden.py write tests/golden/linear.safetensors
    python3 tests/golden/safetensors_golden.py read any.safetensors

`write` makes the file that tests/safetensors_test.cpp reads, and that engine/safetensors.cpp must write byte for byte.
"""
import json
import struct
import sys
import zlib

import numpy

DTYPES = {"F32": numpy.dtype("<f4"), "F64": numpy.dtype("<f8")}


def write(path, tensors, metadata):
    order = sorted(tensors, key=lambda name: -tensors[name].itemsize)  # stable: float64 first, else as given
    data = b"".join(tensors[name].tobytes() for name in order)
    ends = numpy.cumsum([tensors[name].nbytes for name in order]).tolist()
    end = dict(zip(order, ends))
    header = {"__metadata__": dict(sorted(metadata.items()))}
    for name, array in tensors.items():
        dtype = next(key for key, value in DTYPES.items() if value == array.dtype)
        offsets = [end[name] - array.nbytes, end[name]]
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": offsets}
    header["__metadata__"]["crc32"] = checksum(header, data)
    text = compact(header)
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def read(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.get("__metadata__", {})
    crc32 = metadata.pop("crc32", None)
    assert crc32 is None or crc32 == checksum(header, data), "the checksum differs"
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = numpy.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors, metadata


def compact(header, sort_keys=False):
    return json.dumps(header, separators=(",", ":"), ensure_ascii=False, sort_keys=sort_keys).encode()


def checksum(header, data):
    return format(zlib.crc32(data, zlib.crc32(compact(header, sort_keys=True))), "08x")


def linear_layer():
    """The state_dict of a small layer, with the odd cases: a scalar, an empty tensor, infinities and a NaN."""
    return {
        "0.weight": numpy.arange(6, dtype="<f4").reshape(2, 3) / 8,
        "0.bias": numpy.array([-1.5, numpy.inf, -0.0], dtype="<f4"),
        "scale": numpy.array(1 / 3, dtype="<f8"),
        "nothing": numpy.zeros((0, 7), dtype="<f4"),
        "losses": numpy.array([numpy.nan, -numpy.inf], dtype="<f8"),
    }, {"note": 'γ² "quoted"\n', "a": ""}


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("read", "write"):
        sys.exit(__doc__)
    if sys.argv[1] == "write":
        write(sys.argv[2], *linear_layer())
    tensors, metadata = read(sys.argv[2])
    for name, array in tensors.items():
        print(name, array.dtype, array.shape, array.ravel()[:8].tolist())
    print(metadata)
