"""A Flask API that Authlib protects with the published key set (RFC 9068)."""

import re
import time

import requests
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator

from job import answer
from protect import protect


class Validator(JWTBearerTokenValidator):
    """Authlib leaves it to the application how long the key set is kept: here, as told."""

    keys = None
    keep_until = 0

    def get_jwks(self):
        if time.monotonic() >= self.keep_until:
            response = requests.get(f"{self.issuer}/oauth2/keys", timeout=10)
            max_age = re.search(r"max-age=(\d+)", response.headers["Cache-Control"])
            self.keys, self.keep_until = response.json(), time.monotonic() + int(max_age[1])
        return self.keys


def check(job):
    return protect(Validator(issuer=job["issuer"], resource_server=job["audience"]), job)


answer(check)
