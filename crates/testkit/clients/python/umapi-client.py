from urllib.parse import urlsplit

from job import answer, lifetime
from umapi_client import Connection, GroupsQuery, JWTAuth, OAuthS2S, UserAction, UsersQuery


def token(job):
    auth = auth_of(job)
    auth.refresh_token()
    return {"access_token": auth.token, "lifetime_seconds": lifetime(auth.expiry.timestamp())}


def auth_of(job):
    host = urlsplit(job["ims"]).netloc
    return jwt_auth(job, host) if job["grant"] == "jwt" else oauth(job, host)


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


def directory(job):
    """Fetches its own token, lists users and groups through the gateway, and puts a user into one."""
    endpoint = job["gateway"] + "/v2/usermanagement"
    connection = Connection(job["org_id"], auth_of(job), endpoint=endpoint, max_retries=1)
    users = UsersQuery(connection).all_results()
    groups = GroupsQuery(connection).all_results()
    action = UserAction(user=users[0]["email"]).add_to_groups([groups[0]["groupName"], "nowhere"])
    done = connection.execute_single(action, immediate=True)
    return {"results": [users, groups, done, action.execution_errors()]}


OPERATIONS = {"token": token, "directory": directory}

answer(lambda job: OPERATIONS[job.get("operation", "token")](job))
