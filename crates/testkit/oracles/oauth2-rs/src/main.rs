//! The `oauth2` crate behind the contract of `crates/testkit/clients`: a job on stdin, one line of
//! JSON on stdout. Plain HTTP only: the job's `ims` names a loopback address.

use oauth2::basic::{BasicClient, BasicErrorResponse, BasicTokenResponse};
use oauth2::{
    AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, RequestTokenError, Scope,
    TokenResponse, TokenUrl,
};
use serde_json::{Value, json};

/// What of a job this client needs.
#[derive(serde::Deserialize)]
struct Job {
    ims: String,
    client_id: String,
    client_secret: String,
    scopes: Vec<String>,
    #[serde(default)]
    send: Placement,
}

/// Where the client puts its id and secret.
#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Placement {
    #[default]
    Body,
    Basic,
}

type Failure = RequestTokenError<ureq::Error, BasicErrorResponse>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let job: Job = serde_json::from_reader(std::io::stdin())?;
    let answer = match token(job)? {
        Ok(reply) => json!({
            "ok": true,
            "access_token": reply.access_token().secret(),
            "expires_in": reply.expires_in().map(|lifetime| lifetime.as_secs()),
        }),
        Err(failure) => refusal(&failure),
    };
    println!("{answer}");
    Ok(())
}

fn token(job: Job) -> Result<Result<BasicTokenResponse, Failure>, oauth2::url::ParseError> {
    let auth = match job.send {
        Placement::Body => AuthType::RequestBody,
        Placement::Basic => AuthType::BasicAuth,
    };
    let client = BasicClient::new(ClientId::new(job.client_id))
        .set_client_secret(ClientSecret::new(job.client_secret))
        .set_token_uri(TokenUrl::new(format!("{}/ims/token/v3", job.ims))?)
        .set_auth_type(auth);
    Ok(client
        .exchange_client_credentials()
        .add_scope(Scope::new(job.scopes.join(",")))
        .request(&send))
}

/// `oauth2` leaves the transport to its caller and wants refusals as replies, not as errors.
fn send(request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into();
    let (head, mut body) = agent.run(request)?.into_parts();
    Ok(HttpResponse::from_parts(head, body.read_to_vec()?))
}

fn refusal(failure: &Failure) -> Value {
    match failure {
        RequestTokenError::ServerResponse(error) => json!({
            "ok": false,
            "error_text": error.to_string(),
            "error_code": error.error().to_string(),
        }),
        other => json!({ "ok": false, "error_text": other.to_string() }),
    }
}
