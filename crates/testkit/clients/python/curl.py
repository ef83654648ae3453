"""Plain curl as documentation shows it, with an assertion signed by openssl for the JWT exchange."""

import base64
import json
import os
import subprocess
import tempfile
import time
from urllib.parse import urlencode, urlsplit

from job import answer


def token(job):
    path, fields = exchange(job) if job["grant"] == "jwt" else client_credentials(job)
    body, status = curl(job, path, fields)
    if status != "200":
        raise RuntimeError(body)
    return json.loads(body)


def exchange(job):
    return "/ims/exchange/jwt", {
        "client_id": job["client_id"],
        "client_secret": job["client_secret"],
        "jwt_token": job.get("assertion") or assertion(job),
    }


def client_credentials(job):
    return "/ims/token/v3", {
        "grant_type": "client_credentials",
        "client_id": job["client_id"],
        "client_secret": job["client_secret"],
        "scope": ",".join(job["scopes"]),
    }


def curl(job, path, fields):
    query, arguments = sent(job.get("send", "body"), fields)
    url = job["ims"] + path + ("?" + urlencode(query) if query else "")
    command = ["curl", "--silent", "--show-error", "--write-out", "\n%{http_code}", "--request", "POST"]
    reply = subprocess.run(command + trust(job) + arguments + [url], capture_output=True, text=True)
    if reply.returncode != 0:
        raise RuntimeError(reply.stderr)
    body, _, status = reply.stdout.rpartition("\n")
    return body, status


def sent(how, fields):
    """The query and curl's arguments for one way to send the fields."""
    if how == "query":
        return fields, ["--header", "Content-Type: application/x-www-form-urlencoded"]
    if how == "mixed":
        rest = {name: value for name, value in fields.items() if name != "client_id"}
        return {"client_id": fields["client_id"]}, ["--data", urlencode(rest)]
    if how == "multipart":
        return {}, [part for field in fields.items() for part in ("--form-string", "=".join(field))]
    if how == "basic":
        user = fields["client_id"] + ":" + fields["client_secret"]
        rest = {name: value for name, value in fields.items() if not name.startswith("client_")}
        return {}, ["--user", user, "--data", urlencode(rest)]
    return {}, ["--data", urlencode(fields)]


def trust(job):
    """Sends the compiled-in host to the server under test, as the preloads do for the libraries."""
    host, port = urlsplit(job["ims"]).hostname, os.environ.get("COUNTERSIGN_TLS_PORT")
    mapped = ["--connect-to", f"{host}:443:127.0.0.1:{port}"] if port else []
    authority = os.environ.get("COUNTERSIGN_TLS_CA")
    return mapped + (["--cacert", authority] if authority else [])


def assertion(job):
    now = int(time.time())
    claims = {
        "exp": now + 300,
        "iss": job["org_id"],
        "sub": job["technical_account_id"],
        "aud": f"{job['ims']}/c/{job['client_id']}",
    } | {f"{job['ims']}/s/{scope}": True for scope in job["metascopes"]}
    signed = part({"alg": "RS256", "typ": "JWT"}) + "." + part(claims)
    return signed + "." + base64url(signature(signed, job["private_key_pem"]))


def signature(text, private_key_pem):
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as key:
        key.write(private_key_pem)
        key.flush()
        command = ["openssl", "dgst", "-sha256", "-sign", key.name]
        return subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout


def part(value):
    return base64url(json.dumps(value).encode())


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


answer(token)
