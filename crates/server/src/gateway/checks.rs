//! From the head of a request to a permit. The gateway asks before it forwards, and so does a proxy
//! that forwards itself (`ext_authz`).

use std::net::IpAddr;
use std::sync::Arc;

use countersign_authority::Authority;
use countersign_authority::Call;
use countersign_authority::Permit;
use countersign_authority::Published;
use countersign_wire::CanonicalPath;
use countersign_wire::ClientId;
use http::HeaderValue;
use http::header;
use http::request::Parts;

use super::error::Refusal;
pub(crate) use super::request::Claims;
use super::request::X_API_KEY;
use crate::ims::caller;
use crate::kit::access_log;

/// The service that a request is for. Only its path and the host that it names choose, and they
/// choose among what is published (GWY-10).
pub(crate) fn find(
    authority: &Authority,
    head: &Parts,
) -> Result<(Arc<Published>, CanonicalPath), Refusal> {
    let path = CanonicalPath::parse(head.uri.path()).map_err(Refusal::Path)?;
    let table = authority.published();
    let service = table.find(host(head), &path).ok_or(Refusal::NoService)?;
    Ok((Arc::clone(service), path))
}

/// Whether a call from `source` may pass, by what its head claims.
pub(crate) async fn permit(
    authority: &Authority,
    service: &Arc<Published>,
    path: &CanonicalPath,
    head: &Parts,
    claims: &Claims,
    source: IpAddr,
) -> Result<Permit, Refusal> {
    let headers = &head.headers;
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let caller = caller::caller_at(source, headers);
    let call = Call {
        service,
        method: head.method.as_str(),
        path,
        api_key: claims.api_key(headers),
        authorization: claims.authorization(headers),
        headers: &value,
        caller: &caller,
    };
    Ok(authority.permit(&call).await?)
}

/// What `Host` or, in HTTP/2, `:authority` says. The stack has seen to it that they agree.
pub(crate) fn host(head: &Parts) -> &str {
    let header = head.headers.get(header::HOST);
    let header = header.and_then(|host| host.to_str().ok());
    let authority = || head.uri.authority().map(|authority| authority.as_str());
    header.or_else(authority).unwrap_or_default()
}

/// What stands where the API key belongs.
pub(super) fn api_key(head: &Parts) -> Option<&HeaderValue> {
    head.headers.get(X_API_KEY)
}

/// The API key if it looks like one.
pub(crate) fn client_id(head: &Parts) -> Option<ClientId> {
    access_log::client_id(api_key(head)?)
}
