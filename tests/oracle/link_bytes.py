"""Every frame of the wire format, built without any code of the project.

Prints the examples of docs/wire-format.md. COBS, CRC-32 and the postcard encoding are written
out here from their specifications; tests/tests/link/bytes.rs holds the same bytes as literals.
Needs only the standard library.
"""

import struct
import zlib

KINDS = ("HELLO HELLO_ACK CONFIGURE CONFIGURED BLOCK BLOCK_MORE RESULT RESULT_MORE RESULT_END "
         "SEEDED SEEDED_RESULT ACK PING PONG ERROR REFUSED BYE").split()


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def text(value):
    return varint(len(value)) + value.encode()


def f32(value):
    return struct.pack("<f", value)


def f64(value):
    return struct.pack("<d", value)


def cobs(data):
    out = bytearray()
    group = bytearray()
    for byte in data:
        if byte:
            group.append(byte)
            if len(group) == 254:
                out += b"\xff" + group
                group.clear()
        else:
            out.append(len(group) + 1)
            out += group
            group.clear()
    out.append(len(group) + 1)
    out += group
    return bytes(out) + b"\0"


def frame(kind, session, seq, block, payload):
    head = struct.pack("<BIHI", KINDS.index(kind) + 1, session, seq, block)
    crc = struct.pack("<I", zlib.crc32(head + payload))
    return head, payload, crc, cobs(head + payload + crc)


def show(data):
    return data.hex(" ") or "(nothing)"


S = 0x11223344
CASES = [
    ("HELLO", S, 0, 0, bytes([1, 1]) + varint(0xC0DEC0DE), "wire 1 to 1, schema 0xC0DEC0DE"),
    ("HELLO_ACK", S, 0, 0,
     bytes([1, 1]) + varint(0xC0DEC0DE) + text("mps2-an386") + text("0.1.0") + text("")
     + varint(0xAABBCCDD) + varint(0) + varint(0x00ABCDEF) + varint(0x01020304) + varint(1044)
     + varint(8192) + varint(262144)
     + varint(2) + varint(25_000_000) + bytes([32]) + varint(3)
     + text("kernel/fft.rs") + varint(97),
     "mps2-an386, firmware 0.1.0, no commit, no v2, peripheral timer at 25 MHz, 32 bits, boot 3,"
     " crashed before at kernel/fft.rs:97"),
    ("CONFIGURE", S, 0, 0,
     varint(8) + varint(160) + varint(80) + f64(160.0) + varint(0)
     + varint(1) + f32(0.5) + varint(1) + bytes([1]),
     "8 channels, window 160, hop 80, 160 Hz, input f32, output i16 of 0.5 uV, kernel car"),
    ("CONFIGURED", S, 0, 0, varint(300) + varint(1280), "300 state values, 1280 output values"),
    ("BLOCK", S, 1, 0, varint(3) + varint(8) + f32(1.0) + f32(-2.5),
     "3 values in fragments of 8 bytes, the first two here"),
    ("BLOCK_MORE", S, 2, 0, f32(0.0), "the third"),
    ("RESULT", S, 1, 0, varint(1) + varint(8) + struct.pack("<h", -32767),
     "1 value, as i16; fragments of 8 bytes"),
    ("RESULT_MORE", S, 2, 7, struct.pack("<hh", 1, -32768), "two i16: one step, not a number"),
    ("RESULT_END", S, 3, 7,
     varint(1000) + varint(10) + varint(490) + varint(12) + varint(488)
     + varint(0xDEADBEEF) + varint(0) + varint(5),
     "tin 1000, kernel from 1010 to 1500, first frame 1512, this one 2000, digests, 5 saturated"),
    ("SEEDED", S, 9, 0,
     varint(0) + varint(1) + f64(100.0) + f64(0.05) + f64(160.0) + varint(42)
     + bytes([0]) + f64(0.0) + bytes([0]) + f64(0.0) + varint(0) + varint(100)
     + varint(0xAABBCCDD),
     "v1 pink noise, 100 uV, corner 0.05 Hz, 160 Hz, seed 42, blocks 0 to 99"),
    ("SEEDED_RESULT", S, 4, 0,
     varint(0) + varint(100) + varint(0x12345678) + varint(0x9ABCDEF0)
     + varint(400) + varint(500) + varint(45000) + varint(1_000_000),
     "blocks 0 to 99, digests, kernel 400 to 500, 45000 in all, generating 1000000"),
    ("ACK", S, 0, 0,
     varint(4) + varint(0b101) + varint(8064) + varint(300) + varint(299) + varint(1) + varint(2)
     + bytes([1]),
     "waits for 4, has 5 and 7, credit 8064, mark 300, heard 299, 1 damaged, 2 blocks run, gap"),
    ("PING", S, 0, 0, varint(513), "token 513"),
    ("PONG", S, 0, 0, varint(513) + varint(1 << 40) + varint((1 << 40) + 250) + varint(2) + varint(0),
     "token 513, 2 overruns"),
    ("ERROR", S, 300, 0, varint(0) + varint(300) + varint(0xEE) + varint(0) + text(""),
     "unknown kind 0xEE in frame 300"),
    ("REFUSED", S, 5, 7,
     varint(8) + varint(6) + varint(9000) + varint(2048) + text("needed, there"),
     "too large: 9000 values needed, 2048 there"),
    ("BYE", S, 0, 0, b"", "no payload"),
]

for kind, session, seq, block, payload, words in CASES:
    # An ERROR is not sequenced: its header's number is 0, the number it is about is inside.
    seq_in_header = 0 if kind == "ERROR" else seq
    head, payload, crc, line = frame(kind, session, seq_in_header, block, payload)
    print(f"{kind}: {words}")
    print(f"    header  {show(head)}")
    print(f"    payload {show(payload)}")
    print(f"    crc     {show(crc)}")
    print(f"    line    {show(line)}")
