from job import answer
from oauthlib.oauth2 import BackendApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session


def token(job):
    client = BackendApplicationClient(job["client_id"], scope=",".join(job["scopes"]))
    session = OAuth2Session(client=client)
    return session.fetch_token(job["ims"] + "/ims/token/v3", **credentials(job))


def credentials(job):
    if job.get("send") == "basic":
        return {"auth": HTTPBasicAuth(job["client_id"], job["client_secret"])}
    return {"client_secret": job["client_secret"], "include_client_id": True}


answer(token)
