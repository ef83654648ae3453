//! What a refusal probably means, and what to do. Source: the table of `spec/ims-protocol.md` 2.2.

use countersign_client::{Draft, Refusal};
use countersign_wire::secret::Shape;

/// What a refusal probably means.
#[derive(Debug)]
pub struct Explanation {
    /// What it is about, in one word.
    pub check: &'static str,
    /// The likely causes.
    pub why: String,
    /// The next step.
    pub next: &'static str,
}

/// Explains `refusal` to whoever asked with `draft`.
pub fn explain(refusal: &Refusal, draft: &Draft) -> Explanation {
    let fits = |row: &&Row| {
        refusal.code == row.code && refusal.description.to_lowercase().contains(row.says)
    };
    let (check, why, next) = match ROWS.iter().find(fits) {
        Some(row) => (row.check, row.why, row.next),
        None => by_status(refusal.status),
    };
    let mut why = why.to_owned();
    let mistyped = |draft: &Draft| {
        let secret = draft.client_secret.as_ref();
        secret.is_some_and(|secret| secret.shape() == Shape::Mistyped)
    };
    if check == "secret" && mistyped(draft) {
        why.push_str(
            "; its checksum does not agree, so if it was made by countersign, a character is wrong",
        );
    }
    Explanation { check, why, next }
}

fn by_status(status: u16) -> (&'static str, &'static str, &'static str) {
    match status {
        429 => (
            "limit",
            "this client asked for too many tokens",
            "wait, and reuse tokens until they end, for example with `token --cache FILE`",
        ),
        404 | 405 => (
            "host",
            "there is no IMS under this address, or a proxy hides its paths",
            "compare `--ims` with the address of the IMS",
        ),
        500.. => (
            "server",
            "the server failed; the original answers so too when the JWT half of a credential is gone",
            "try again later; if it stays, ask whoever runs the IMS",
        ),
        _ => (
            "token",
            "the server's words are all there is",
            "ask whoever runs the IMS, with the debug id",
        ),
    }
}

/// One row: the first whose `code` is the same and whose `says` occurs in the description, in lower
/// case. An empty `says` occurs in every one.
struct Row {
    code: &'static str,
    says: &'static str,
    check: &'static str,
    why: &'static str,
    next: &'static str,
}

const fn row(
    (code, says): (&'static str, &'static str),
    check: &'static str,
    why: &'static str,
    next: &'static str,
) -> Row {
    Row {
        code,
        says,
        check,
        why,
        next,
    }
}

const ROWS: [Row; 22] = [
    row(
        ("invalid_client", "client_id parameter does not match"),
        "audience",
        "the client id of the request is not the one in the assertion",
        "take client id and key from the same credential",
    ),
    row(
        ("invalid_client", "client_id parameter"),
        "client",
        "no live credential has this client id: mistyped, disabled, deleted, or of another IMS",
        "compare the client id with the credential's page, and `--ims` with where it was made",
    ),
    row(
        ("invalid_client", "client_secret parameter"),
        "secret",
        "it is none of the live secrets of this client: mistyped, deleted, expired, or of another credential",
        "add a new secret to the credential and use that one",
    ),
    row(
        ("invalid_client", "invalid client credentials"),
        "secret",
        "client id or secret is wrong; this server does not say which",
        "compare both with the credential's page, or add a new secret",
    ),
    row(
        ("invalid_client", "not authorized for jwt exchange"),
        "grant",
        "the credential was made for OAuth Server-to-Server only",
        "ask with `--grant client_credentials` and scopes",
    ),
    row(
        ("invalid_client", "audience of the jwt"),
        "audience",
        "assertions name another IMS than the one that was asked",
        "pass `--audience-origin` with the origin that the server calls itself",
    ),
    row(
        ("invalid_client", ""),
        "policy",
        "the credential may not do this any more; the server's words say since when",
        "move to OAuth Server-to-Server and ask with `--grant client_credentials`",
    ),
    row(
        ("invalid_token", "bindings"),
        "key",
        "no live certificate of this credential fits the key: never uploaded, removed, expired, or organization or technical account are another credential's",
        "upload the certificate of this key, or use the key whose certificate is there",
    ),
    row(
        ("invalid_token", "expired"),
        "clock",
        "the assertion had ended when it arrived: the clock of this machine is behind",
        "set the clock",
    ),
    row(
        ("invalid_token", "too far in the future"),
        "clock",
        "the assertion would live too long: the clock of this machine is ahead, or `--life` is too long",
        "set the clock, or shorten `--life`",
    ),
    row(
        ("invalid_token", ""),
        "assertion",
        "the server cannot read the assertion",
        "look at what `countersign token --assertion` prints",
    ),
    row(
        ("invalid_signature", ""),
        "key",
        "the server does not take this signature algorithm with this key",
        "use an RSA key; assertions are signed with RS256",
    ),
    row(
        ("invalid_scope", "subset of the metascopes"),
        "scope",
        "a metascope is asked for that the credential does not have",
        "add the service it belongs to, or leave the metascope out",
    ),
    row(
        ("invalid_scope", "any metascope"),
        "scope",
        "the assertion asks for nothing",
        "name the metascopes of the credential with `--metascopes`",
    ),
    row(
        ("invalid_scope", ""),
        "scope",
        "a scope is asked for that does not exist or that the credential does not hold",
        "compare the scopes with the credential's page",
    ),
    row(
        ("invalid_target_scope", ""),
        "scope",
        "no scope is asked for",
        "name the scopes of the credential with `--scopes`",
    ),
    row(
        ("invalid_jti", ""),
        "assertion",
        "this organization takes each assertion once and wants a `jti` in it",
        "pass `--jti`",
    ),
    row(
        ("bad_request", ""),
        "assertion",
        "a claim is missing or of the wrong form",
        "compare organization and technical account with the credential's page",
    ),
    row(
        ("unauthorized_client", ""),
        "grant",
        "the credential may not use this grant: it is a Service Account (JWT) only",
        "ask with `--grant jwt` and a private key, or add OAuth Server-to-Server to it",
    ),
    row(
        ("unsupported_grant_type", ""),
        "grant",
        "the server does not know this grant",
        "compare `--ims` with the address of the IMS",
    ),
    row(
        ("invalid_request", ""),
        "request",
        "the server could not read the request",
        "check for a proxy that changes requests",
    ),
    row(
        ("too_many_requests", ""),
        "limit",
        "this client asked for too many tokens",
        "wait, and reuse tokens until they end, for example with `token --cache FILE`",
    ),
];

#[cfg(test)]
mod tests {
    use countersign_wire::ImsError;

    use super::*;

    /// What each row of the error table is found to be about.
    #[test]
    fn every_refusal_of_the_table_is_explained() {
        let expected = [
            (ImsError::InvalidClientId, "client"),
            (ImsError::InvalidClientSecret, "secret"),
            (ImsError::InvalidClient, "secret"),
            (ImsError::ExchangeNotAllowed, "grant"),
            (ImsError::AudienceOfAnotherClient, "audience"),
            (ImsError::AudienceOfAnotherEnvironment, "audience"),
            (ImsError::Malformed, "assertion"),
            (ImsError::Expired { exp: 1, now: 2 }, "clock"),
            (ImsError::NoMatchingBinding, "key"),
            (ImsError::Algorithm, "key"),
            (ImsError::MetascopeNotBound, "scope"),
            (ImsError::NoMetascope, "scope"),
            (ImsError::Jti, "assertion"),
            (ImsError::Claim("iss"), "assertion"),
            (ImsError::Deprecated("ended on 2025-06-30".into()), "policy"),
            (ImsError::DeprecatedAsObserved, "server"),
            (ImsError::TooFarAhead, "clock"),
            (ImsError::ClientCredentialsNotAllowed, "grant"),
            (ImsError::ScopeRequired, "scope"),
            (ImsError::InvalidScope, "scope"),
            (ImsError::TooManyRequests, "limit"),
            (ImsError::Internal, "server"),
        ];
        for (error, check) in expected {
            let mut refusal = Refusal::new(error.status());
            refusal.code = error.code().to_owned();
            refusal.description = error.description().into_owned();
            let explained = explain(&refusal, &Draft::default());
            assert_eq!(explained.check, check, "{error:?}");
        }
    }
}
