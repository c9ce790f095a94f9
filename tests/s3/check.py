"""check.py MESEJ MOTO FOLDER: files of a gateway in a bucket of a real S3 server: put, parts, get, range, copy, list, delete."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import boto3

MESEJ, MOTO, FOLDER = sys.argv[1:]
BUCKET = "files-of-mesej"
KEY, SECRET = "an-access-key", "a-secret-key"
ADMIN = "an-admin-token-for-tests"
NUMBER, CUSTOMER = "106540352242922", "6281234567890"
DEADLINE = 60


def port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def call(method, url, body=None, token=None, headers=()):
    request = urllib.request.Request(url, method=method, data=body)
    for name, value in headers:
        request.add_header(name, value)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, dict(refused.headers), refused.read()


def ask(method, url, body=None, token=None):
    data = None if body is None else json.dumps(body).encode()
    status, _, answer = call(method, url, data, token, [("Content-Type", "application/json")])
    return status, json.loads(answer or b"null")


def until(what, look):
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        try:
            found = look()
        except OSError:
            found = None
        if found:
            return found
        time.sleep(0.1)
    raise SystemExit(f"{what}: not within {DEADLINE} s")


def expect(what, is_so):
    if not is_so:
        raise SystemExit(f"not so: {what}")
    print(f"ok: {what}")


processes = []


def start(name, args, env=None):
    log = open(os.path.join(FOLDER, f"{name}.log"), "wb")
    processes.append(subprocess.Popen(args, stdout=log, stderr=log, env={**os.environ, **(env or {})}))


def main():
    s3_port, meta_port, own_port = port(), port(), port()
    s3_url, meta, base = (f"http://127.0.0.1:{each}" for each in (s3_port, meta_port, own_port))
    start("moto", [MOTO, "-H", "127.0.0.1", "-p", str(s3_port)])
    bucket = boto3.resource(
        "s3", endpoint_url=s3_url, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1"
    ).Bucket(BUCKET)
    until("the S3 server", lambda: call("GET", s3_url + "/moto-api/")[0] == 200)
    bucket.create()
    start("meta", [MESEJ, "simulate", f"--listen=127.0.0.1:{meta_port}", f"--webhook-url={base}/webhooks/whatsapp", "--chatter=0"])
    start("mesej", [MESEJ, "serve"], {
        "MESEJ_SERVER__LISTEN": f"127.0.0.1:{own_port}",
        "MESEJ_SERVER__ADMIN_TOKEN": ADMIN,
        "MESEJ_STORE__PATH": os.path.join(FOLDER, "store"),
        "MESEJ_WHATSAPP__BASE_URL": meta,
        "MESEJ_WHATSAPP__APPS": '[{ name = "simulated", app_secrets = ["simulated-app-secret"], verify_token = "simulated-verify-token" }]',
        "MESEJ_MEDIA__BACKEND": "s3",
        "MESEJ_MEDIA__S3_ENDPOINT": s3_url,
        "MESEJ_MEDIA__S3_BUCKET": BUCKET,
        "MESEJ_MEDIA__S3_ACCESS_KEY": KEY,
        "MESEJ_MEDIA__S3_SECRET_KEY": SECRET,
    })
    until("the gateway", lambda: call("GET", base + "/readyz")[0] == 200)
    admin = f"{base}/v1/admin/tenants"
    tenant = ask("POST", admin, {"name": "S3"}, ADMIN)[1]["tenant_id"]
    number = {"phone_number_id": NUMBER, "waba_id": "102290129340398", "display_phone_number": "+1 555 070 0000",
              "access_token": "simulated-access-token", "app": "simulated"}
    ask("POST", f"{admin}/{tenant}/numbers", number, ADMIN)
    key = ask("POST", f"{admin}/{tenant}/keys", {"name": "test", "scopes": ["send", "read", "agents"]}, ADMIN)[1]["key"]

    def objects():
        """Files, beside what says whose bucket it is."""
        return [each for each in bucket.objects.all() if each.key != "mesej-owner.json"]

    def bytes_of(media, span=None):
        return call("GET", f"{base}/v1/media/{media}", None, key, [("Range", span)] if span else ())

    whole = b"%PDF-1.4\n" + os.urandom(12 << 20)
    status, _, answer = call("POST", f"{base}/v1/media?name=large.pdf", whole, key, [("Content-Type", "application/pdf")])
    expect("12 MiB are put in parts", status == 201)
    media = json.loads(answer)["media_id"]
    expect("they are one object", [each.size for each in objects()] == [len(whole)])
    etag = objects()[0].e_tag
    expect("which was put together of several parts", etag.strip('"').split("-")[-1] == "3")
    status, _, read = bytes_of(media)
    expect("they are read as they were", status == 200 and hashlib.sha256(read).digest() == hashlib.sha256(whole).digest())
    status, headers, read = bytes_of(media, "bytes=5242870-5242899")
    expect("a range over the end of a part", status == 206 and read == whole[5242870:5242900])
    expect("and its place", headers.get("content-range", headers.get("Content-Range")) == f"bytes 5242870-5242899/{len(whole)}")

    small = b"%PDF-1.4\n" + os.urandom(700_000)
    made = ask("POST", f"{base}/v1/uploads", {"bytes": len(small), "mime": "application/pdf", "name": "s.pdf"}, key)[1]
    offset, seen = 0, 0
    while True:
        piece = small[offset:offset + 262_144]
        status, _, answer = call("PUT", f"{base}/v1/uploads/{made['upload_id']}?offset={offset}", piece, key)
        answer = json.loads(answer)
        seen = max(seen, len(objects()))
        if status == 201:
            break
        offset = answer["offset"]
    expect("pieces are objects until the file is whole", seen >= 3)
    expect("then they are deleted", len(objects()) == 2)
    expect("and it is whole", bytes_of(answer["media_id"])[2] == small)

    file = {"kind": "image", "bytes": 50_000}
    ask("POST", meta + "/_control/say", {"from": CUSTOMER, "file": file})

    def messages():
        conversations = ask("GET", f"{base}/v1/conversations", None, key)[1]["conversations"]
        pages = (ask("GET", f"{base}/v1/conversations/{each['id']}/messages", None, key)[1] for each in conversations)
        return [message for page in pages for message in page["messages"]]

    def shown(kind, state="stored"):
        return [each for each in messages() if each["content"]["type"] == kind and each.get("media", {}).get("state") == state]

    picture = until("a customer's file is fetched", lambda: shown("image"))[0]["media"]
    expect("a customer's file is kept", len(bytes_of(picture["media_id"])[2]) == 50_000)
    body = {"to": "+" + CUSTOMER, "type": "document", "document": {"media_id": media, "filename": "large.pdf"}}
    expect("a message with a file is taken", ask("POST", f"{base}/v1/messages", body, key)[0] == 202)
    sent = until("it is copied within the bucket", lambda: shown("document"))[0]["media"]
    expect("the copy is another object", len(objects()) == 4 and bytes_of(sent["media_id"])[2] == whole)
    until("it reaches Meta", lambda: call("GET", meta + "/_control/sends")[2] not in (b"[]", b""))

    # What lies there of others, and of nobody, in the way of names.
    bucket.put_object(Key="somebody/elses.txt", Body=b"x")
    call("POST", f"{base}/v1/admin/media/sweep", b"", ADMIN)
    usage = until("a sweep lists and counts", lambda: (ask("GET", f"{base}/v1/media/usage", None, key)[1] or {}).get("at") and
                  ask("GET", f"{base}/v1/media/usage", None, key)[1])
    expect("files and bytes are those of the bucket", usage["files"] == 4 and
           usage["bytes"] == sum(each.size for each in objects() if each.key != "somebody/elses.txt"))
    expect("and what is somebody else's stays", len(objects()) == 5)
    expect("no upload is left open", not list(bucket.multipart_uploads.all()))


try:
    main()
except BaseException:
    for name in ("moto", "mesej"):
        path = os.path.join(FOLDER, f"{name}.log")
        if os.path.exists(path):
            with open(path, errors="replace") as log:
                sys.stderr.write(f"--- {name}\n" + "".join(log.readlines()[-15:]))
    raise
finally:
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(DEADLINE)
