"""What the protected APIs share: a Flask application with one resource."""

from authlib.integrations.flask_oauth2 import ResourceProtector
from flask import Flask


def statuses(validator, tokens):
    """Asks the resource with each token; gives the status of each answer."""
    require_oauth = ResourceProtector()
    require_oauth.register_token_validator(validator)
    application = Flask("api")

    @application.get("/")
    @require_oauth("openid")
    def resource():
        return "here you are"

    client = application.test_client()
    ask = lambda token: client.get("/", headers={"Authorization": f"Bearer {token}"}).status_code
    return {"statuses": {name: ask(token) for name, token in tokens.items()}}
