//! `POST /ims/exchange/jwt`. Source: `spec/ims-protocol.md` 1.2, 1.3.

use axum::extract::State;
use axum::response::Response;
use countersign_model::deprecation::Notice;
use countersign_wire::exchange::{ExchangeReply, ExchangeRequest};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::error::Failure;
use super::{caller, params, reply};
use crate::app::App;
use crate::kit::whole::Whole;

pub(super) async fn exchange(
    State(app): State<App>,
    Whole { parts, body }: Whole,
) -> Result<Response, Failure> {
    let request = |problem| Failure::request(problem).description_first();
    let params = params::read(&parts, body).await.map_err(request)?;
    let (presented, method) = caller::client(&parts, &params).map_err(request)?;
    let request = ExchangeRequest::read(&params);
    let issued = app
        .authority
        .exchange(request, &presented)
        .await
        .map_err(|error| {
            Failure::exchange(&error, app.compatibility)
                .of(presented.client.id.as_ref())
                .worded(app.compatibility, method)
                .description_first()
        })?;
    let reply = ExchangeReply {
        token_type: "bearer".to_owned(),
        access_token: issued.access_token,
        expires_in: issued.expires_in.into(),
    };
    let mut response = reply::no_store(StatusCode::OK, reply.to_json());
    if let Some(notice) = issued.notice {
        announce(response.headers_mut(), notice);
    }
    Ok(response)
}

/// Tells a client that this grant is deprecated (RFC 9745) and when it ends (RFC 8594).
pub(super) fn announce(headers: &mut HeaderMap, notice: Notice) {
    let since = format!("@{}", notice.deprecated_on.as_seconds());
    if let Ok(since) = HeaderValue::try_from(since) {
        headers.insert(HeaderName::from_static("deprecation"), since);
    }
    let sunset = notice
        .sunset
        .map(|at| HeaderValue::try_from(at.http_date()));
    if let Some(Ok(sunset)) = sunset {
        headers.insert(HeaderName::from_static("sunset"), sunset);
    }
}
