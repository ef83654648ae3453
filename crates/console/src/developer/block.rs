//! Text that people copy into a terminal, a ticket or a configuration.

use countersign_authority::Authority;
use countersign_model::{Credential, TechnicalAccount};

/// Stands where a secret would: it was shown once.
pub(super) const SECRET: &str = "YOUR_CLIENT_SECRET";
/// Stands where an assertion would.
pub(super) const ASSERTION: &str = "YOUR_JWT";

/// The text block `API Credentials`.
pub(super) fn api_credentials(
    authority: &Authority,
    credential: &Credential,
    account: &TechnicalAccount,
    secret: Option<&str>,
) -> String {
    let scopes = credential.granted_scopes(authority.catalogue());
    let mut lines = vec![
        "API Credentials".to_owned(),
        format!("Client ID: {}", credential.client_id),
        format!(
            "Client secret: {}",
            secret.unwrap_or("(shown once, when it was made)")
        ),
        format!("Technical account ID: {}", account.id),
        format!("Technical account email: {}", account.email),
        format!("Organization ID: {}", credential.org_id),
        format!("Scopes: {scopes}"),
    ];
    if credential.grants.has_jwt_half() {
        lines.push(format!("Metascopes: {}", metascopes(authority, credential)));
    }
    lines.join("\n") + "\n"
}

/// A request for a token with client credentials. Source: `spec/ims-protocol.md` 6.3.
pub(super) fn curl_token(authority: &Authority, credential: &Credential, secret: &str) -> String {
    let scopes = credential.granted_scopes(authority.catalogue());
    format!(
        "curl -X POST '{}/ims/token/v3' \\\n  -H 'Content-Type: application/x-www-form-urlencoded' \\\n  -d 'grant_type=client_credentials&client_id={}&client_secret={secret}&scope={scopes}'",
        authority.config().issuer,
        credential.client_id,
    )
}

/// An exchange of an assertion. Source: `spec/ims-protocol.md` 6.4.
pub(super) fn curl_exchange(
    authority: &Authority,
    credential: &Credential,
    assertion: &str,
) -> String {
    format!(
        "curl -X POST '{}/ims/exchange/jwt' \\\n  -F 'client_id={}' \\\n  -F 'client_secret={SECRET}' \\\n  -F 'jwt_token={assertion}'",
        authority.config().issuer,
        credential.client_id,
    )
}

/// The metascopes of a credential, each once, in the order of its services.
pub(super) fn metascopes(authority: &Authority, credential: &Credential) -> String {
    let mut names: Vec<_> = Vec::new();
    for metascope in credential.bound_metascopes(authority.catalogue()) {
        if !names.contains(&metascope.as_str()) {
            names.push(metascope.as_str());
        }
    }
    names.join(",")
}
