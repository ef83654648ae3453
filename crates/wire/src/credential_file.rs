//! Our own credential file: everything one client needs to get tokens, as JSON.
//!
//! Our choice; the original has no such file. Members that are not known are refused, so that a
//! misspelt one is noticed.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::id::{ClientId, OrgId, TechnicalAccountId};
use crate::scope::{Metascope, Scope};
use crate::secret::{ClientSecret, Opaque};

/// One credential. Only [`grant`](Self::grant) is required; what else is needed depends on the
/// grant, and a secret may come from elsewhere.
///
/// `S` and `K` are what secret and private key are held as. With the defaults the file can be
/// read and not serialized; [`to_json_with_secrets`](Self::to_json_with_secrets) is the one way out.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialFile<S = ClientSecret, K = Opaque> {
    /// Origin of the IMS, as in `https://ims.example.com`. Checked by whoever calls it.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub ims: Option<String>,
    /// How tokens are asked for.
    pub grant: GrantName,
    /// The client id.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The client secret.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<S>,
    /// What the client-credentials grant asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<Scope>,
    /// What the exchange asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metascopes: Vec<Metascope>,
    /// The organization: `iss` of the assertion.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub org_id: Option<OrgId>,
    /// The technical account: `sub` of the assertion.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub technical_account_id: Option<TechnicalAccountId>,
    /// The private key, in PEM.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub private_key: Option<K>,
    /// A file with the private key, relative to this one.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub private_key_file: Option<String>,
    /// The certificate of the key, in PEM; for diagnosis only.
    #[serde(default = "Option::default", skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
}

/// How a client asks for tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantName {
    /// OAuth Server-to-Server: `POST /ims/token/v3`.
    ClientCredentials,
    /// Service Account (JWT): `POST /ims/exchange/jwt`.
    Jwt,
}

impl CredentialFile {
    /// An empty file for this grant.
    #[must_use]
    pub fn new(grant: GrantName) -> Self {
        Self {
            ims: None,
            grant,
            client_id: None,
            client_secret: None,
            scopes: Vec::new(),
            metascopes: Vec::new(),
            org_id: None,
            technical_account_id: None,
            private_key: None,
            private_key_file: None,
            certificate: None,
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong and where. The text of values is not repeated.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The file as it is to be written, secret and private key included. Whoever calls this
    /// answers for where it goes: a file of mode 0600, or the terminal of the person who asked.
    #[must_use]
    pub fn to_json_with_secrets(&self) -> Zeroizing<String> {
        let exposed: CredentialFile<&str, &str> = CredentialFile {
            ims: self.ims.clone(),
            grant: self.grant,
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.as_ref().map(ClientSecret::expose),
            scopes: self.scopes.clone(),
            metascopes: self.metascopes.clone(),
            org_id: self.org_id.clone(),
            technical_account_id: self.technical_account_id.clone(),
            private_key: self.private_key.as_ref().map(Opaque::expose),
            private_key_file: self.private_key_file.clone(),
            certificate: self.certificate.clone(),
        };
        Zeroizing::new(serde_json::to_string_pretty(&exposed).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JWT: &str = r#"{
  "ims": "https://ims.example.com",
  "grant": "jwt",
  "client_id": "0123456789abcdef0123456789abcdef",
  "client_secret": "s3cret",
  "metascopes": [
    "ent_cloudmgr_sdk"
  ],
  "org_id": "0A1B2C3D4E5F60718293A4B5@AdobeOrg",
  "technical_account_id": "1122334455667788990A0B0C@techacct.adobe.com",
  "private_key": "-----BEGIN PRIVATE KEY-----\n"
}"#;

    #[test]
    fn read_and_write_agree() {
        let file = CredentialFile::from_json(JWT).expect("reads");
        assert_eq!(file.to_json_with_secrets().as_str(), JWT);
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", CredentialFile::from_json(JWT).expect("reads"));
        assert!(!shown.contains("s3cret") && !shown.contains("BEGIN"));
    }

    #[test]
    fn a_misspelt_member_is_refused() {
        let error = CredentialFile::from_json(r#"{"grant":"jwt","client_secrets":"x"}"#)
            .expect_err("unknown member");
        assert!(error.to_string().contains("expected one of"));
    }

    #[test]
    fn a_bad_secret_is_not_repeated() {
        let error = CredentialFile::from_json(r#"{"grant":"jwt","client_secret":"a\nb"}"#)
            .expect_err("control character");
        assert!(!error.to_string().contains("a\nb"));
    }
}
