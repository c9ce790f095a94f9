#!/usr/bin/env python3
"""check.py MESEJ: what a stranger finds out about TLS on the listener of this binary, and whether a renewed certificate is noticed.

It sees the gateway from outside alone. Needs Python 3.11 or later and `openssl`; makes its certificates itself.
"""

import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import time

import hello
import renewal
from gateway import HEAD_TIMEOUT_S, NAME, Authority, Gateway, folder_of

ECDSA_SUITES = {0xC02B, 0xC02C, 0xCCA9}
RSA_SUITES = {0xC02F, 0xC030, 0xCCA8}
SUITES_OF_1_3 = {0x1301, 0x1302, 0x1303}
# What the work itself may take beside a deadline, on a busy machine.
GRACE_S = 3


def refuses(gateway, what, **options):
    answer = hello.ask(gateway.address, hello.client_hello(**options))
    assert not answer.accepted, f"{what}: {answer}"
    return answer


def old_versions_are_refused(gateway):
    for version, name in [(0x0300, "SSL 3.0"), (0x0301, "TLS 1.0"), (0x0302, "TLS 1.1")]:
        for extensions in [True, False]:
            refuses(gateway, name, version=version, extensions=extensions)
    sslv2 = b"\x01\x00\x02" + (9).to_bytes(2, "big") + b"\0\0\0\x10" + b"\x01\x00\x80\x07\x00\xc0\x03\x00\x80" + b"c" * 16
    answer = hello.ask(gateway.address, (0x8000 | len(sslv2)).to_bytes(2, "big") + sslv2)
    assert not answer.accepted, f"SSL 2.0: {answer}"


def new_versions_are_accepted(gateway):
    for version, said in [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")]:
        with gateway.connect(gateway.authority.context(newest=version, oldest=version)) as stream:
            assert stream.version() == said, stream.version()
    # Whoever is made to believe that 1.2 is the newest can tell by the server's random bytes (RFC 8446, §4.1.3).
    answer = hello.ask(gateway.address, hello.client_hello())
    assert answer.version == 0x0303 and answer.random.endswith(b"DOWNGRD\x01"), answer


def only_suites_with_forward_secrecy_and_aead_are_chosen(gateway, of_certificate):
    chosen = hello.accepted_suites(gateway.address, 0x0303, hello.EVERY_SUITE)
    assert set(chosen) == of_certificate, [f"{suite:#06x}" for suite in chosen]
    chosen = hello.accepted_suites(gateway.address, 0x0304, hello.EVERY_SUITE_OF_1_3)
    assert set(chosen) == SUITES_OF_1_3, [f"{suite:#06x}" for suite in chosen]


def weak_parameters_are_refused(gateway):
    refuses(gateway, "SHA-1 and MD5 alone", signatures=[0x0201, 0x0203, 0x0101])
    refuses(gateway, "small curves and finite fields alone", groups=[0x0001, 0x0013, 0x0015, 0x0100])
    answer = hello.ask(gateway.address, hello.client_hello(more=[(hello.HEARTBEAT, b"\x01")]))
    assert answer.accepted and hello.HEARTBEAT not in answer.extensions, "heartbeats"


def nothing_is_compressed(gateway):
    answer = hello.ask(gateway.address, hello.client_hello(compressions=[1, 0]))
    assert answer.accepted and answer.compression == 0, answer
    refuses(gateway, "DEFLATE alone", compressions=[1])


def nothing_is_negotiated_anew(gateway):
    answer = hello.ask(gateway.address, hello.client_hello())
    assert answer.extensions.get(hello.RENEGOTIATION) == b"\0", "the extension of RFC 5746 is missing"
    address = "%s:%d" % gateway.address
    client = ["openssl", "s_client", "-connect", address, "-servername", NAME, "-CAfile", gateway.authority.root, "-tls1_2"]
    with subprocess.Popen(client, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as asked:
        # The command is read once the handshake is over; the pipe stays open, so that the end is the server's or the client's.
        asked.stdin.write("R\n")
        asked.stdin.flush()
        watchdog = time.monotonic() + 10
        lines = []
        for line in asked.stdout:
            lines.append(line)
            if time.monotonic() > watchdog or "no renegotiation" in line:
                break
        asked.kill()
    told = "".join(lines)
    assert "Verify return code: 0" in told and "RENEGOTIATING" in told, told
    # One handshake alone was completed: a second would be told as the first was.
    assert told.count("verify return:1") == 3, told


def the_chain_is_sent_whole(gateway):
    answer = hello.ask(gateway.address, hello.client_hello())
    text = gateway.certificate.read_text()
    end = "-----END CERTIFICATE-----\n"
    chain = [ssl.PEM_cert_to_DER_cert(part + end) for part in text.split(end) if part.strip()]
    assert len(chain) == 2 and answer.certificates == chain, f"{len(answer.certificates)} certificates were sent"


def protocols_are_those_that_are_spoken(gateway):
    for offered, chosen in [(["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1"), ([], None)]:
        context = gateway.authority.context()
        if offered:
            context.set_alpn_protocols(offered)
        with gateway.connect(context) as stream:
            assert stream.selected_alpn_protocol() == chosen, (offered, stream.selected_alpn_protocol())
    answer = refuses(gateway, "h2 alone", alpn=[b"h2"])
    assert hello.ALERTS.get(answer.alert) == "no_application_protocol", answer


def closed_after(gateway, *parts, pause=0.0):
    """How long it takes the server to close a connection on which this is said; nothing that would be a page may come."""
    began = time.monotonic()
    with socket.create_connection(gateway.address, timeout=HEAD_TIMEOUT_S + GRACE_S) as stream:
        heard = b""
        try:
            for part in parts:
                stream.sendall(part)
                time.sleep(pause)
            while more := stream.recv(4096):
                heard += more
        except (ConnectionError, BrokenPipeError):
            pass
    assert b"HTTP/" not in heard, heard
    return time.monotonic() - began


def plain_http_gets_an_end_and_no_page(gateway):
    took = closed_after(gateway, b"GET / HTTP/1.1\r\nHost: mesej.example\r\n\r\n")
    assert took < HEAD_TIMEOUT_S, f"{took:.1f} s"


def stalled_handshakes_are_closed(gateway):
    whole = hello.client_hello()
    late = HEAD_TIMEOUT_S + GRACE_S
    for what, parts, pause in [
        ("nothing", [], 0),
        ("half a ClientHello", [whole[: len(whole) // 2]], 0),
        ("a ClientHello and no more", [whole], 0),
        ("a byte at a time", [whole[i : i + 1] for i in range(int(late / 0.25))], 0.25),
    ]:
        took = closed_after(gateway, *parts, pause=pause)
        assert HEAD_TIMEOUT_S * 0.8 < took <= late, f"{what}: {took:.1f} s"
    # Nor is a handshake that ended a place to wait in.
    with gateway.connect() as stream:
        stream.settimeout(late)
        began = time.monotonic()
        assert stream.recv(1) == b"", "something was said to a client that said nothing"
        assert time.monotonic() - began > HEAD_TIMEOUT_S * 0.8


def answers_bear_the_headers_of_https(gateway):
    for path in ["/", "/healthz", "/v1/conversations", "/nothing-here"]:
        _, headers, _ = gateway.call("GET", path)
        age = headers.get("strict-transport-security", "")
        assert age.startswith("max-age=") and int(age[8:].split(";")[0]) >= 15_552_000, f"{path}: {age!r}"
        assert headers.get("x-content-type-options") == "nosniff", path
    _, headers, _ = gateway.call("GET", "/")
    policy = headers.get("content-security-policy", "")
    for rule in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"]:
        assert rule in policy, f"{rule}: {policy}"
    assert headers.get("referrer-policy") == "no-referrer", headers


def sessions_are_resumed(gateway):
    for version in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
        context = gateway.authority.context(newest=version, oldest=version)
        request = b"GET /healthz HTTP/1.1\r\nHost: mesej.example\r\nConnection: close\r\n\r\n"
        session = None
        for is_resumed in [False, True, True]:
            with gateway.connect(context, session) as stream:
                stream.sendall(request)
                heard = b""
                while more := stream.recv(4096):
                    heard += more
                # Tickets of 1.3 come after the handshake.
                session = stream.session
                assert heard.startswith(b"HTTP/1.1 200") and stream.session_reused == is_resumed, (version, heard[:20])


CHECKS = [
    old_versions_are_refused,
    new_versions_are_accepted,
    weak_parameters_are_refused,
    nothing_is_compressed,
    nothing_is_negotiated_anew,
    the_chain_is_sent_whole,
    protocols_are_those_that_are_spoken,
    plain_http_gets_an_end_and_no_page,
    stalled_handshakes_are_closed,
    answers_bear_the_headers_of_https,
    sessions_are_resumed,
]


def run(gateway, check, *arguments):
    """Whether it held; a failure hides none of those after it."""
    began = time.monotonic()
    try:
        said = check(gateway, *arguments)
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        print(f"FAILED  {check.__name__}: {type(error).__name__}: {error}", flush=True)
        return False
    print(f"ok      {check.__name__} ({time.monotonic() - began:.1f} s){': ' + said if said else ''}", flush=True)
    return True


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} MESEJ")
    binary = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as parent:
        authority = Authority(folder_of(parent, "authority"))
        first = authority.server("first", "ec")
        gateway = Gateway(binary, folder_of(parent, "gateway"), first, authority.context())
        gateway.authority = authority
        try:
            suites = only_suites_with_forward_secrecy_and_aead_are_chosen
            held = [run(gateway, suites, ECDSA_SUITES), *(run(gateway, check) for check in CHECKS)]
            held.append(run(gateway, renewal.a_certificate_is_renewed_under_load))
            held.append(run(gateway, suites, RSA_SUITES))
            held.append(run(gateway, renewal.pairs_that_cannot_be_used_are_told_and_not_shown))
        finally:
            gateway.stop()
    print(f"{held.count(True)} of {len(held)} checks of TLS held")
    sys.exit(0 if all(held) else 1)


if __name__ == "__main__":
    main()
