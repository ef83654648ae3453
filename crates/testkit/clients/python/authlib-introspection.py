"""A Flask API that asks the server about every token, by Authlib (RFC 7662)."""

import requests
from authlib.oauth2.rfc7662 import IntrospectTokenValidator

from job import answer
from protect import protect


class Validator(IntrospectTokenValidator):
    def __init__(self, job):
        super().__init__()
        self.job = job

    def introspect_token(self, token_string):
        url = f"{self.job['issuer']}/oauth2/introspect"
        client = (self.job["client_id"], self.job["client_secret"])
        return requests.post(url, data={"token": token_string}, auth=client, timeout=10).json()


answer(lambda job: protect(Validator(job), job))
