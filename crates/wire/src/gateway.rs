//! What an API gateway and its callers say to each other: names of headers, and every refusal.
//! Source: `spec/ims-protocol.md` section 8.

use serde::Serialize;

/// The client id of the caller.
pub const API_KEY: &str = "x-api-key";
/// The organization that the call is about.
pub const ORGANIZATION: &str = "x-gw-ims-org-id";

/// To the upstream: the technical account.
pub const USER_ID: &str = "x-ims-user-id";
/// To the upstream: the client id.
pub const CLIENT_ID: &str = "x-ims-client-id";
/// To the upstream: the organization of the token.
pub const ORG_ID: &str = "x-ims-org-id";
/// To the upstream: the scopes of the token, separated by commas.
pub const SCOPE: &str = "x-ims-scope";

/// Every header that tells the upstream who calls; from outside they are dropped.
pub const IDENTITY: [&str; 4] = [USER_ID, CLIENT_ID, ORG_ID, SCOPE];

/// One row of the error table: SDKs branch on the status and on `error_code`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct GatewayError {
    /// The HTTP status.
    pub status: u16,
    /// Digits, as text.
    pub error_code: &'static str,
    /// For people.
    pub message: &'static str,
}

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident: $status:literal, $code:literal, $message:literal;)+) => {
        impl GatewayError {
            $($(#[$doc])* pub const $name: Self = Self {
                status: $status,
                error_code: $code,
                message: $message,
            };)+

            /// Every row that is sent, in the order of the codes.
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

errors! {
    /// A header came twice (`spec/decisions.md` 6).
    AMBIGUOUS_HEADER: 400, "400000", "Ambiguous header";
    /// The path has no canonical form (`spec/security.md` GWY-09).
    AMBIGUOUS_PATH: 400, "400000", "Ambiguous path";
    /// A proxy asks whether a request may pass, and does not say which one.
    NOT_ASKED: 400, "400000", "The proxy does not say which request it asks about";
    /// The request asks for another protocol than HTTP.
    UPGRADE_REFUSED: 400, "400000", "Upgrade is not supported";
    /// A header that the service requires is absent.
    MISSING_HEADER: 400, "400003", "Missing header";
    /// The token does not hold: malformed, wrongly signed, expired, revoked.
    TOKEN_INVALID: 401, "401013", "Oauth token is not valid";
    /// The token was minted through the AEM Developer Console, and the service takes none of those.
    /// The first sentence is the original's; the rest says what to do, which no code can.
    AEM_CONSOLE_TOKEN: 401, "401014", "Token not allowed in the current context. It was minted through the AEM Developer Console; this API takes tokens of a credential of the Developer Console.";
    /// The other way around.
    CONSOLE_TOKEN: 401, "401014", "Token not allowed in the current context. It was minted through the Developer Console; this API takes tokens of a technical account of the AEM Developer Console.";
    /// The token lacks a scope that the operation asks for.
    SCOPE_MISMATCH: 401, "401015", "Scope mismatch";
    /// There is no API key.
    API_KEY_REQUIRED: 403, "403000", "Api Key is required";
    /// The API key is unknown, switched off, or not subscribed to the service.
    API_KEY_INVALID: 403, "403003", "Api Key is invalid";
    /// There is no bearer token.
    TOKEN_MISSING: 403, "403010", "Oauth token is missing.";
    /// The token is not of the organization that the header names.
    ORGANIZATION_MISMATCH: 403, "403025", "Profile is not valid";
    /// The token's client is not the one of the API key, or not one that may call.
    CLIENT_NOT_ALLOWED: 403, "403201", "Client ID not allowed to call this service";
    /// The credential holds no product profile of the service.
    PROFILE_MISSING: 403, "403221", "Token not allowed in the current context";
    /// No service is published at the host and path. Our choice: the original is known to say so
    /// with status 500 only.
    NOT_FOUND: 404, "404000", "Oops. Something went wrong. Check your URI and try again.";
    /// The body did not arrive in time.
    BODY_TIMEOUT: 408, "408000", "The request body did not arrive in time";
    /// The body is longer than the service takes.
    BODY_TOO_LARGE: 413, "413000", "The request body is too large";
    /// Too many calls; `Retry-After` says how long to wait.
    TOO_MANY_REQUESTS: 429, "429050", "Too many requests";
    /// The upstream cannot be reached, or does not speak HTTP. Our choice, as all of 502 and 504.
    BAD_GATEWAY: 502, "502000", "The service did not give an answer";
    /// It cannot be told whose the API key is.
    API_KEY_UNAVAILABLE: 503, "503000", "Could not validate Api Key";
    /// The service has as many calls as it may have at once.
    UPSTREAM_BUSY: 503, "503001", "The service is busy";
    /// It cannot be told whether the token holds.
    TOKEN_UNAVAILABLE: 503, "503010", "Could not validate the oauth token";
    /// The upstream did not answer in time.
    GATEWAY_TIMEOUT: 504, "504000", "The service did not answer in time";
}

impl GatewayError {
    /// A row of a face's own.
    #[must_use]
    pub const fn new(status: u16, error_code: &'static str, message: &'static str) -> Self {
        Self {
            status,
            error_code,
            message,
        }
    }

    /// The whole body: compact JSON and a newline, of type `application/json` and nothing behind
    /// that.
    #[must_use]
    pub fn body(&self) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            error_code: &'a str,
            message: &'a str,
        }
        let body = Body {
            error_code: self.error_code,
            message: self.message,
        };
        serde_json::to_string(&body).unwrap_or_default() + "\n"
    }
}

/// The body of a 500: the upstream failed, or there is none. Of another shape than all others,
/// with a blank after the first comma.
pub const OOPS: &str =
    "{\"code\":500, \"message\":\"Oops. Something went wrong. Check your URI and try again.\"}\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_compact_and_end_with_a_newline() {
        assert_eq!(
            GatewayError::TOKEN_MISSING.body(),
            "{\"error_code\":\"403010\",\"message\":\"Oauth token is missing.\"}\n"
        );
        for error in GatewayError::ALL {
            let body: serde_json::Value = serde_json::from_str(&error.body()).expect("JSON");
            assert_eq!(body["error_code"], error.error_code);
            assert_eq!(body["message"], error.message);
            assert_eq!(error.error_code[..3], error.status.to_string());
        }
        let oops: serde_json::Value = serde_json::from_str(OOPS).expect("JSON");
        assert_eq!(oops["code"], 500);
    }

    #[test]
    fn who_came_through_the_wrong_console_reads_which_one_is_right() {
        for error in [GatewayError::AEM_CONSOLE_TOKEN, GatewayError::CONSOLE_TOKEN] {
            assert!(
                error
                    .message
                    .starts_with("Token not allowed in the current context")
            );
            assert!(error.message.contains("this API takes tokens of"));
        }
    }
}
