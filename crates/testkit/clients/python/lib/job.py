"""What every Python client script shares: the job is the first line of stdin, one line of JSON goes
to stdout."""

import contextlib
import io
import json
import sys
import time


def answer(work):
    """Runs `work(job)`, which returns a dictionary with `access_token`, and writes what came of it.

    What a client prints belongs to what it shows its caller: for some it is all there is to see.
    What the work returns as `until` is waited for before the process ends.
    """
    job = json.loads(sys.stdin.readline())
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        result = outcome(work, job)
    if not result["ok"]:
        result["error_text"] = "\n".join(filter(None, [printed.getvalue().strip(), result["error_text"]]))
    until = result.pop("until", lambda: None)
    print(json.dumps(result), flush=True)
    until()


def outcome(work, job):
    try:
        return {"ok": True, **work(job)}
    except Exception as error:  # whatever the client raises is what its caller sees
        code = getattr(error, "error", None)
        return {"ok": False, "error_text": str(error)} | ({"error_code": code} if isinstance(code, str) else {})


def lifetime(until):
    """How many seconds from now a client believes its token lives."""
    return round(until - time.time())


def adobe_settings(job):
    """The settings aepp and aanalytics2 share; the last one decides which grant they use."""
    settings = {
        "org_id": job["org_id"],
        "tech_id": job["technical_account_id"],
        "client_id": job["client_id"],
        "secret": job["client_secret"],
    }
    if job["grant"] == "jwt":
        return settings | {"private_key": job["private_key_pem"]}
    return settings | {"scopes": ",".join(job["scopes"])}
