"""A Flask API that Authlib protects with the published key set (RFC 9068)."""

import requests
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator

from job import answer
from protect import statuses


class Validator(JWTBearerTokenValidator):
    def get_jwks(self):
        return requests.get(f"{self.issuer}/oauth2/keys", timeout=10).json()


def check(job):
    return statuses(Validator(issuer=job["issuer"], resource_server=job["audience"]), job["tokens"])


answer(check)
