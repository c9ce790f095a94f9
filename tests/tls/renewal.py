"""A certificate that is renewed, again and again, while requests and agents' sockets are under way."""

import base64
import hashlib
import hmac
import json
import os
import struct
import threading
import time

from gateway import SECRET

CLIENTS, SOCKETS = 4, 20
# How long the load goes on after each renewal.
STEADY_S = 0.7


class AgentSocket:
    """A WebSocket of an agent."""

    def __init__(self, gateway, key):
        ticket = gateway.made("/v1/ws/ticket", {"agent": "ana"}, key)["ticket"]
        self.stream = gateway.connect()
        nonce = base64.b64encode(os.urandom(16)).decode()
        self.stream.sendall(
            f"GET /v1/ws HTTP/1.1\r\nHost: mesej.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Protocol: mesej.v2, ticket.{ticket}\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            part = self.stream.recv(1)
            assert part, "closed at the handshake of a WebSocket"
            head += part
        assert head.startswith(b"HTTP/1.1 101"), head
        self.say({"type": "hello"})
        self.hear("welcome")

    def say(self, frame):
        text, mask = json.dumps(frame).encode(), os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(text))
        self.stream.sendall(bytes([0x81, 0x80 | len(text)]) + mask + masked)

    def exactly(self, length):
        data = b""
        while len(data) < length:
            part = self.stream.recv(length - len(data))
            assert part, "a WebSocket was closed"
            data += part
        return data

    def hear(self, wanted):
        """Reads until a frame holds this text."""
        while True:
            first, length = self.exactly(2)
            if length == 126:
                length = struct.unpack(">H", self.exactly(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", self.exactly(8))[0]
            payload = self.exactly(length).decode(errors="replace")
            assert first & 0x0F != 8, f"a WebSocket was closed: {payload}"
            if wanted in payload:
                return

    def answers(self, reference):
        self.say({"type": "ping", "ref": reference})
        self.hear(reference)


class Load:
    """Requests without a pause, on connections that stay and on new ones, from which it is known what they were shown."""

    def __init__(self, gateway):
        self.gateway, self.ending = gateway, threading.Event()
        self.failures, self.shown, self.requests, self.lock = [], set(), 0, threading.Lock()
        work = [self.stay] * CLIENTS + [self.come_and_go] * CLIENTS
        self.threads = [threading.Thread(target=self.go_on, args=(one,), daemon=True) for one in work]
        for thread in self.threads:
            thread.start()

    def go_on(self, work):
        try:
            work()
        except Exception as error:  # Whatever ends a client's work is a failure of the renewal.
            self.failures.append(f"{type(error).__name__}: {error}")

    def post(self, connection, number):
        body = json.dumps({"object": "whatsapp_business_account", "entry": [], "n": number})
        signature = "sha256=" + hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
        headers = {"Host": "mesej.example", "X-Hub-Signature-256": signature, "Content-Type": "application/json"}
        connection.request("POST", "/webhooks/whatsapp", body, headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, f"a webhook got {answer.status}"
        with self.lock:
            self.requests += 1

    def stay(self):
        connection, stream, number = self.gateway.http(), None, 0
        while not self.ending.is_set():
            stream = stream or connection.sock
            assert connection.sock is stream, "a connection that stayed open was closed"
            number += 1
            self.post(connection, number)
        connection.close()

    def come_and_go(self):
        while not self.ending.is_set():
            connection = self.gateway.http()
            self.shown.add(connection.sock.getpeercert(binary_form=True))
            self.post(connection, 0)
            connection.close()

    def end(self):
        self.ending.set()
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive(), "a request got no answer"


def a_certificate_is_renewed_under_load(gateway):
    tenant = gateway.made("/v1/admin/tenants", {"name": "Toko"})["tenant_id"]
    key = {"name": "agents", "scopes": ["send", "read", "agents"]}
    key = gateway.made(f"/v1/admin/tenants/{tenant}/keys", key)["key"]
    sockets = [AgentSocket(gateway, key) for _ in range(SOCKETS)]
    seen, before = [gateway.shown()], reloads(gateway, "loaded")
    load = Load(gateway)
    try:
        # By themselves, then at once when told; the last has another kind of key.
        for turn, (kind, is_told) in enumerate([("ec", False), ("rsa", True), ("ec", True), ("rsa", True)]):
            certificate, private, own = gateway.authority.server(f"renewed-{turn}", kind)
            gateway.put(certificate, private)
            if is_told:
                gateway.hang_up()
            gateway.until(f"renewal {turn} is shown", lambda: gateway.shown() == own)
            seen.append(own)
            time.sleep(STEADY_S)
            for number, socket in enumerate(sockets):
                socket.answers(f"turn-{turn}-{number}")
            assert not load.failures, load.failures
    finally:
        load.end()
    assert not load.failures, load.failures
    assert load.shown == set(seen), f"{len(load.shown)} certificates were shown, not the {len(seen)} there were"
    loaded = reloads(gateway, "loaded") - before
    assert loaded == len(seen) - 1, f"{loaded} were counted as loaded"
    for number, socket in enumerate(sockets):
        socket.answers(f"end-{number}")
        socket.stream.close()
    return f"{load.requests} requests, {len(sockets)} sockets, {len(seen) - 1} renewals, no failure"


def reloads(gateway, outcome):
    return gateway.scraped(f'mesej_tls_reloads_total{{outcome="{outcome}"}}')


def pairs_that_cannot_be_used_are_told_and_not_shown(gateway):
    good = gateway.certificate.read_text(), gateway.key.read_text()
    own, ends = gateway.shown(), gateway.scraped("mesej_tls_certificate_expires_seconds")
    assert time.time() < ends < time.time() + 11 * 86_400, f"the metric says that it ends at {ends}"
    other = gateway.authority.server("other", "ec")
    over = gateway.authority.server("over", "ec", days=-1)
    told = "the changed certificate cannot be used"
    for what, certificate, key in [
        ("no certificate", "nothing of a certificate\n", good[1]),
        ("half a certificate", other[0][:300], other[1]),
        ("a key of another certificate", good[0], other[1]),
        ("one that has ended", over[0], over[1]),
    ]:
        refused, lines = reloads(gateway, "refused"), gateway.said(told)
        gateway.put(certificate, key)
        gateway.hang_up()
        gateway.until(f"{what} is counted as refused", lambda: reloads(gateway, "refused") > refused)
        assert gateway.said(told) > lines, f"{what}: the log does not tell it"
        assert gateway.shown() == own, f"{what} is shown"
    assert gateway.scraped("mesej_tls_certificate_expires_seconds") == ends, "the metric tells when another one ends"
    # What is written afterwards is taken as ever.
    gateway.put(*other[:2])
    gateway.hang_up()
    gateway.until("the next good one is shown", lambda: gateway.shown() == other[2])
    assert "PRIVATE KEY" not in gateway.log.read_text(errors="replace")
