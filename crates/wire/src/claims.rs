//! Claims of assertions and of access tokens of both kinds.

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::id::{ClientId, OrgId, TechnicalAccountId};
use crate::scope::Metascope;

/// What an assertion says: the JWT that a client signs for the exchange.
///
/// Source: `spec/ims-protocol.md` 3.2. Serializes as the payload to be signed.
#[derive(Clone, Debug)]
pub struct AssertionClaims {
    /// Seconds since 1970 at which the assertion (not the token) expires.
    pub exp: i64,
    /// The organization of the credential.
    pub iss: OrgId,
    /// The technical account of the credential.
    pub sub: TechnicalAccountId,
    /// `https://{ims host}`, the origin that audience and metascopes are made from.
    pub origin: String,
    /// The client id, the last part of `aud`.
    pub client_id: ClientId,
    /// What is asked for.
    pub metascopes: Vec<Metascope>,
    /// Makes the assertion unique where the organization demands single use.
    pub jti: Option<String>,
}

impl Serialize for AssertionClaims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("exp", &self.exp)?;
        map.serialize_entry("iss", &self.iss)?;
        map.serialize_entry("sub", &self.sub)?;
        map.serialize_entry("aud", &audience(&self.origin, &self.client_id))?;
        for metascope in &self.metascopes {
            map.serialize_entry(&metascope_claim(&self.origin, metascope.as_str()), &true)?;
        }
        if let Some(jti) = &self.jti {
            map.serialize_entry("jti", jti)?;
        }
        map.end()
    }
}

/// `aud` of an assertion for `client_id` at the IMS at `origin`.
#[must_use]
pub fn audience(origin: &str, client_id: &ClientId) -> String {
    format!("{origin}/c/{client_id}")
}

/// The claim that asks for `metascope` at the IMS at `origin`.
#[must_use]
pub fn metascope_claim(origin: &str, metascope: &str) -> String {
    format!("{origin}/s/{metascope}")
}

/// What an IMS access token says. Members in the order of the original.
///
/// Source: `spec/ims-protocol.md` 4.2; `minted_by` is our addition (`spec/decisions.md`, "Two
/// faces, one core"). `created_at` and `expires_in` are **strings** of **milliseconds**.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct ImsTokenClaims<S = String> {
    /// `<13-digit ms>_<UUID>_<region>`.
    pub id: S,
    /// Organization id.
    pub org: S,
    /// Always `access_token`.
    #[serde(rename = "type")]
    pub kind: S,
    /// Client id.
    pub client_id: S,
    /// Technical account id.
    pub user_id: S,
    /// Names the IMS, as in `ims-na1`.
    #[serde(rename = "as")]
    pub authorization_server: S,
    /// Equals `user_id`.
    pub aa_id: S,
    /// 3 for server-to-server tokens.
    pub ctp: u8,
    /// Eight random hexadecimal digits.
    pub moi: S,
    /// Life in milliseconds, as a string.
    pub expires_in: S,
    /// Milliseconds since 1970, as a string.
    pub created_at: S,
    /// Scopes, comma-separated without blanks.
    pub scope: S,
    /// Audiences, only where the exchange asked for `resource`.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub aud: Option<Vec<S>>,
    /// `secret:<id>`, `certificate:<id>` or `key:<thumbprint>`: what the token was minted with.
    pub minted_by: S,
}

/// What a standard access token says (RFC 9068 section 2.2). `org_id` and `minted_by` are our
/// additions: the client's organization, and what the token was minted with, as in
/// [`ImsTokenClaims`].
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
pub struct StandardTokenClaims<S = String> {
    /// Our issuer, as in the metadata document.
    pub iss: S,
    /// Technical account id.
    pub sub: S,
    /// Who may accept the token.
    pub aud: Audience<S>,
    /// Client id.
    pub client_id: S,
    /// Organization id.
    pub org_id: S,
    /// Scopes, separated by single blanks.
    pub scope: S,
    /// `<13-digit ms>_<UUID>_<region>`; the milliseconds are those of `iat`.
    pub jti: S,
    /// Seconds since 1970 at which it was issued.
    pub iat: i64,
    /// Seconds since 1970 at which it expires.
    pub exp: i64,
    /// `secret:<id>`, `certificate:<id>` or `key:<thumbprint>`.
    pub minted_by: S,
}

/// `aud`: one text alone, several as a list (RFC 7519 section 4.1.3).
#[derive(Clone, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Audience<S = String> {
    /// The usual case.
    One(S),
    /// Two or more.
    Several(Vec<S>),
}

/// `ctp` of a server-to-server token.
pub const CTP_SERVER_TO_SERVER: u8 = 3;
/// `type` of an access token.
pub const ACCESS_TOKEN: &str = "access_token";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assertion_has_the_members_of_the_reference() {
        let claims = AssertionClaims {
            exp: 1_900_000_000,
            iss: OrgId::parse("0A1B2C3D4E5F60718293A4B5@AdobeOrg").expect("valid"),
            sub: TechnicalAccountId::parse("1122334455667788990A0B0C@techacct.adobe.com")
                .expect("valid"),
            origin: "https://ims-na1.adobelogin.com".to_owned(),
            client_id: ClientId::parse("0123456789abcdef0123456789abcdef").expect("valid"),
            metascopes: vec![Metascope::parse("ent_cloudmgr_sdk").expect("valid")],
            jti: None,
        };
        assert_eq!(
            serde_json::to_string(&claims).expect("serializes"),
            concat!(
                r#"{"exp":1900000000,"iss":"0A1B2C3D4E5F60718293A4B5@AdobeOrg","#,
                r#""sub":"1122334455667788990A0B0C@techacct.adobe.com","#,
                r#""aud":"https://ims-na1.adobelogin.com/c/0123456789abcdef0123456789abcdef","#,
                r#""https://ims-na1.adobelogin.com/s/ent_cloudmgr_sdk":true}"#
            )
        );
    }
}
