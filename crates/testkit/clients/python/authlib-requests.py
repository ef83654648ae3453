from authlib.integrations.requests_client import OAuth2Session
from job import answer


def token(job):
    session = OAuth2Session(
        job["client_id"],
        job["client_secret"],
        scope=",".join(job["scopes"]),
        token_endpoint_auth_method=f"client_secret_{'basic' if job.get('send') == 'basic' else 'post'}",
    )
    return session.fetch_token(job["ims"] + "/ims/token/v3", grant_type="client_credentials")


answer(token)
