"""First flights of TLS, written byte by byte: what a server accepts is asked without a library that refuses to ask it."""

import os
import socket
import struct
import time

# Suites that stand for others: they are no suites (RFC 5746, RFC 7507).
SIGNALS = {0x00FF, 0x5600}
# Every suite that was ever given a number, by block; 1.3 has its own.
EVERY_SUITE = [
    suite
    for first, last in [(0x0001, 0x00FE), (0xC001, 0xC0FF), (0xCC13, 0xCC15), (0xCCA8, 0xCCAE), (0xD001, 0xD005)]
    for suite in range(first, last + 1)
]
EVERY_SUITE_OF_1_3 = list(range(0x1301, 0x1308)) + [0xC0B4, 0xC0B5, 0x00C6, 0x00C7]
# P-256, P-384, P-521, X25519.
GROUPS = [0x0017, 0x0018, 0x0019, 0x001D]
# ECDSA, RSA-PSS and RSA with SHA-2; Ed25519.
SIGNATURES = [0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0807]

SERVER_HELLO, CERTIFICATE, SERVER_HELLO_DONE = 2, 11, 14
ALERT, HANDSHAKE = 21, 22
ALERTS = {40: "handshake_failure", 47: "illegal_parameter", 50: "decode_error", 70: "protocol_version", 120: "no_application_protocol"}
ALPN, HEARTBEAT, SUPPORTED_VERSIONS, KEY_SHARE, RENEGOTIATION = 0x0010, 0x000F, 0x002B, 0x0033, 0xFF01


def vector(length_bytes, content):
    return len(content).to_bytes(length_bytes, "big") + content


def numbers(values):
    return b"".join(struct.pack(">H", value) for value in values)


def protocols(names):
    return vector(2, b"".join(vector(1, name) for name in names))


def client_hello(
    version=0x0303,
    suites=EVERY_SUITE,
    compressions=(0,),
    groups=GROUPS,
    signatures=SIGNATURES,
    alpn=None,
    extensions=True,
    more=(),
):
    """A record with a ClientHello; `version` 0x0304 asks for 1.3 alone."""
    is_1_3 = version == 0x0304
    offered = [
        (0x0000, vector(2, b"\0" + vector(2, b"mesej.example"))),
        (0x000A, vector(2, numbers(groups))),
        (0x000B, vector(1, b"\0")),
        (0x000D, vector(2, numbers(signatures))),
        (RENEGOTIATION, b"\0"),
        *more,
    ]
    if alpn is not None:
        offered.append((ALPN, protocols(alpn)))
    if is_1_3:
        offered.append((SUPPORTED_VERSIONS, vector(1, numbers([0x0304]))))
        share = numbers([0x001D]) + vector(2, os.urandom(32))
        offered.append((KEY_SHARE, vector(2, share)))
    body = struct.pack(">H", min(version, 0x0303)) + os.urandom(32) + vector(1, b"")
    body += vector(2, numbers(suites)) + vector(1, bytes(compressions))
    if extensions:
        body += vector(2, b"".join(struct.pack(">H", kind) + vector(2, data) for kind, data in offered))
    message = b"\x01" + vector(3, body)
    return struct.pack(">BH", HANDSHAKE, min(version, 0x0301)) + vector(2, message)


class Answer:
    """What came back: an alert, a ServerHello and the certificates after it, or nothing before the end."""

    def __init__(self):
        self.alert = self.version = self.suite = self.compression = self.random = None
        self.extensions, self.certificates = {}, []
        self.took = 0.0

    @property
    def accepted(self):
        return self.version is not None

    def __str__(self):
        if self.accepted:
            return f"version {self.version:#06x}, suite {self.suite:#06x}, compression {self.compression}"
        return f"alert {ALERTS.get(self.alert, self.alert)}" if self.alert is not None else "closed without a word"

    def read_server_hello(self, body):
        self.version = struct.unpack(">H", body[:2])[0]
        self.random = body[2:34]
        at = 35 + body[34]
        self.suite, self.compression = struct.unpack(">HB", body[at : at + 3])
        at += 5
        while at + 4 <= len(body):
            kind, length = struct.unpack(">HH", body[at : at + 4])
            self.extensions[kind] = body[at + 4 : at + 4 + length]
            at += 4 + length
        if SUPPORTED_VERSIONS in self.extensions:
            self.version = struct.unpack(">H", self.extensions[SUPPORTED_VERSIONS])[0]

    def read_certificates(self, body):
        at = 3
        while at < len(body):
            length = int.from_bytes(body[at : at + 3], "big")
            self.certificates.append(body[at + 3 : at + 3 + length])
            at += 3 + length


def read_exactly(stream, length):
    data = b""
    while len(data) < length:
        part = stream.recv(length - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def read_answer(stream):
    """Reads to the end of the server's first flight, or to what is sealed."""
    answer, handshake = Answer(), b""
    try:
        while True:
            kind, _, length = struct.unpack(">BHH", read_exactly(stream, 5))
            record = read_exactly(stream, length)
            if kind == ALERT:
                answer.alert = record[1]
                return answer
            if kind != HANDSHAKE:
                return answer
            handshake += record
            while len(handshake) >= 4 and len(handshake) >= 4 + int.from_bytes(handshake[1:4], "big"):
                end = 4 + int.from_bytes(handshake[1:4], "big")
                message, body, handshake = handshake[0], handshake[4:end], handshake[end:]
                if message == SERVER_HELLO:
                    answer.read_server_hello(body)
                elif message == CERTIFICATE:
                    answer.read_certificates(body)
                if message == SERVER_HELLO_DONE or answer.version == 0x0304:
                    return answer
    except (EOFError, ConnectionError):
        return answer


def ask(address, flight, deadline=10):
    """Sends a first flight. Who neither answers nor closes within the deadline raises a TimeoutError."""
    began = time.monotonic()
    with socket.create_connection(address, timeout=deadline) as stream:
        stream.sendall(flight)
        answer = read_answer(stream)
    answer.took = time.monotonic() - began
    return answer


def accepted_suites(address, version, suites):
    """All that the server would choose, one after the other, by offering what it has not chosen so far."""
    left, chosen = [suite for suite in suites if suite not in SIGNALS], []
    while left:
        answer = ask(address, client_hello(version=version, suites=left))
        if not answer.accepted:
            break
        chosen.append(answer.suite)
        left.remove(answer.suite)
    return chosen
