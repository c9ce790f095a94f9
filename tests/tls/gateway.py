"""A gateway of its own with certificates of its own: an authority, one between, and as many for the server as are asked for."""

import http.client
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import time

NAME = "mesej.example"
ADMIN, SECRET = "tls-check-admin-token-0123456789", "tls-check-app-secret"
# How long a handshake may take, and then a first request.
HEAD_TIMEOUT_S = 2


def openssl(*arguments, **more):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, text=True, **more).stdout


class Authority:
    def __init__(self, folder):
        self.folder = folder
        self.root, self.between = folder / "root.pem", folder / "between.pem"
        self.make_key("root", "ec")
        subject = ["-subj", "/CN=Root", "-days", "30", "-addext", "keyUsage=critical,keyCertSign"]
        openssl("req", "-x509", "-new", "-key", folder / "root.key", "-out", self.root, *subject)
        self.make_key("between", "ec")
        self.sign("between", "root", "/CN=Between", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n", 20)

    def make_key(self, name, kind):
        by_kind = {"ec": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]}
        openssl("genpkey", "-algorithm", *by_kind[kind], "-out", self.folder / f"{name}.key")

    def sign(self, name, by, subject, extensions, days):
        of = lambda ending: self.folder / f"{name}.{ending}"
        openssl("req", "-new", "-key", of("key"), "-subj", subject, "-out", of("csr"))
        of("ext").write_text(extensions)
        authority = ["-CA", self.folder / f"{by}.pem", "-CAkey", self.folder / f"{by}.key", "-CAcreateserial"]
        end = ["-days", str(days)]
        openssl("x509", "-req", "-in", of("csr"), *authority, "-extfile", of("ext"), "-out", of("pem"), *end)

    def server(self, name, kind, days=10):
        """The text of a chain, the text of its key, and its own certificate as it is sent."""
        self.make_key(name, kind)
        self.sign(name, "between", f"/CN={NAME}", f"subjectAltName=DNS:{NAME}\n", days)
        own = (self.folder / f"{name}.pem").read_text()
        return own + self.between.read_text(), (self.folder / f"{name}.key").read_text(), ssl.PEM_cert_to_DER_cert(own)

    def context(self, newest=None, oldest=None):
        """A client that believes the root alone."""
        context = ssl.create_default_context(cafile=self.root)
        context.minimum_version = oldest or ssl.TLSVersion.TLSv1_2
        context.maximum_version = newest or ssl.TLSVersion.TLSv1_3
        return context


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Gateway:
    def __init__(self, binary, folder, pair, context):
        self.folder, self.context = folder, context
        self.certificate, self.key, self.log = folder / "certificate.pem", folder / "key.pem", folder / "log"
        self.put(*pair[:2])
        self.address = ("127.0.0.1", free_port())
        settings = {
            "SERVER__LISTEN": f"127.0.0.1:{self.address[1]}",
            "SERVER__ADMIN_TOKEN": ADMIN,
            "SERVER__TLS_CERTIFICATE": str(self.certificate),
            "SERVER__TLS_KEY": str(self.key),
            "SERVER__HEAD_TIMEOUT_S": str(HEAD_TIMEOUT_S),
            "SERVER__PUBLIC_URL": f"https://{NAME}",
            "WHATSAPP__APPS": f'[{{ name = "main", app_secrets = ["{SECRET}"], verify_token = "a-verify-token" }}]',
            "STORE__PATH": str(folder / "data"),
        }
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MESEJ_")}
        environment |= {f"MESEJ_{name}": value for name, value in settings.items()}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([binary, "serve"], env=environment, stdout=log, stderr=log, cwd=folder)
        self.until("the gateway answers", self.is_ready)

    def put(self, certificate, key):
        """As those who renew certificates do: a new file takes the place of the old one."""
        for path, text in [(self.certificate, certificate), (self.key, key)]:
            new = path.with_suffix(".new")
            new.touch(mode=0o600)
            new.write_text(text)
            new.replace(path)

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)

    def until(self, what, is_so, limit=20):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            if is_so():
                return
            time.sleep(0.05)
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])
        raise AssertionError(f"not within {limit} s: {what}\n{tail}")

    def is_ready(self):
        try:
            return self.call("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def connect(self, context=None, session=None):
        stream = socket.create_connection(self.address, timeout=10)
        return (context or self.context).wrap_socket(stream, server_hostname=NAME, session=session)

    def http(self):
        """A connection of a client of HTTP."""
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        connection.sock = self.connect()
        return connection

    def call(self, method, path, body=None, token=None, connection=None):
        """Status, headers and text of an answer."""
        own = connection or self.http()
        try:
            headers = {"Host": NAME, "Content-Type": "application/json"}
            if token:
                headers["Authorization"] = f"Bearer {token}"
            own.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = own.getresponse()
            return answer.status, dict((name.lower(), value) for name, value in answer.getheaders()), answer.read().decode()
        finally:
            if connection is None:
                own.close()

    def made(self, path, body, token=ADMIN):
        status, _, text = self.call("POST", path, body, token)
        assert 200 <= status < 300, f"{path}: {status} {text}"
        return json.loads(text)

    def scraped(self, series):
        text = self.call("GET", "/metrics", token=ADMIN)[2]
        found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.M)
        return float(found.group(1)) if found else 0.0

    def shown(self):
        """The certificate that a new client is shown."""
        with self.connect() as stream:
            return stream.getpeercert(binary_form=True)

    def said(self, text):
        return self.log.read_text(errors="replace").count(text)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def folder_of(parent, name):
    path = pathlib.Path(parent) / name
    path.mkdir()
    return path
