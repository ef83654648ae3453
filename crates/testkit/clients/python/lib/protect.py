"""What the protected APIs share: a Flask application with one resource."""

import logging
import sys
import threading
import warnings

from authlib.integrations.flask_oauth2 import ResourceProtector
from flask import Flask
from werkzeug.serving import make_server


def protect(validator, job):
    """Asks the resource with each token and gives the status of each answer; or says where it is,
    and serves until the input ends."""
    require_oauth = ResourceProtector()
    require_oauth.register_token_validator(validator)
    application = Flask("api")

    @application.get("/")
    @require_oauth("openid")
    def resource():
        return "here you are"

    if job["operation"] == "serve":
        return serve(application)
    client = application.test_client()
    ask = lambda token: client.get("/", headers={"Authorization": f"Bearer {token}"}).status_code
    return {"statuses": {name: ask(token) for name, token in job["tokens"].items()}}


def serve(application):
    # A line for each request would only hide what matters.
    warnings.simplefilter("ignore")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return {"url": f"http://127.0.0.1:{server.port}/", "until": sys.stdin.read}
