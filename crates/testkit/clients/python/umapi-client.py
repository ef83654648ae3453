from urllib.parse import urlsplit

from job import answer, lifetime
from umapi_client import JWTAuth, OAuthS2S


def token(job):
    host = urlsplit(job["ims"]).netloc
    auth = jwt_auth(job, host) if job["grant"] == "jwt" else oauth(job, host)
    auth.refresh_token()
    return {"access_token": auth.token, "lifetime_seconds": lifetime(auth.expiry.timestamp())}


def jwt_auth(job, host):
    return JWTAuth(
        job["org_id"],
        job["client_id"],
        job["client_secret"],
        job["technical_account_id"],
        job["private_key_pem"],
        auth_host=host,
    )


def oauth(job, host):
    return OAuthS2S(job["client_id"], job["client_secret"], auth_host=host)


answer(token)
