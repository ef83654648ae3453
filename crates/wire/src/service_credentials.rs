//! The JSON document of AEM service credentials. Source: `spec/ims-protocol.md` 3.5.
//!
//! Members that are not known are passed over: the document is somebody else's.

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::id::{ClientId, OrgId, TechnicalAccountId};
use crate::scope::Metascope;
use crate::secret::{ClientSecret, Opaque};

/// The document as it is downloaded from the AEM Developer Console.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct ServiceCredentials {
    /// The credential.
    pub integration: Integration,
}

/// The credential of an AEM environment: a service account that exchanges assertions.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Integration {
    /// Host of the IMS, without scheme: `ims-na1.adobelogin.com`.
    pub ims_endpoint: String,
    /// What to ask for; in the document one text, separated by commas.
    #[serde(deserialize_with = "separated_by_commas")]
    pub metascopes: Vec<Metascope>,
    /// Client id and secret.
    pub technical_account: TechnicalAccount,
    /// The technical account: `sub` of the assertion.
    pub id: TechnicalAccountId,
    /// The organization: `iss` of the assertion.
    pub org: OrgId,
    /// The private key in PEM, usually PKCS#1 with CR LF line ends.
    pub private_key: Opaque,
    /// The certificate in PEM, usually with CR LF line ends.
    #[serde(default)]
    pub public_key: Option<String>,
}

/// Client id and secret of the technical account.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TechnicalAccount {
    /// `cm-p<program>-e<env>-integration`.
    pub client_id: ClientId,
    /// The client secret.
    pub client_secret: ClientSecret,
}

impl ServiceCredentials {
    /// Reads the document.
    ///
    /// # Errors
    /// What is wrong and where. The text of values is not repeated.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

fn separated_by_commas<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Metascope>, D::Error> {
    String::deserialize(from)?
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| Metascope::parse(name).map_err(D::Error::custom))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"ok":true,"integration":{
        "imsEndpoint":"ims-na1.adobelogin.com",
        "metascopes":"ent_aem_cloud_api, ent_cloudmgr_sdk",
        "technicalAccount":{"clientId":"cm-p12345-e67890-integration","clientSecret":"s3cret"},
        "email":"00000000-0000-4000-8000-000000000000@techacct.adobe.com",
        "id":"1122334455667788990A0B0C@techacct.adobe.com",
        "org":"0A1B2C3D4E5F60718293A4B5@AdobeOrg",
        "privateKey":"-----BEGIN RSA PRIVATE KEY-----\r\nAAAA\r\n",
        "publicKey":"-----BEGIN CERTIFICATE-----\r\nAAAA\r\n",
        "certificateExpirationDate":"2030-01-01T00:00:00.000Z"},
        "statusCode":200}"#;

    #[test]
    fn the_document_of_the_reference_reads() {
        let integration = ServiceCredentials::from_json(DOCUMENT)
            .expect("reads")
            .integration;
        let names: Vec<&str> = integration
            .metascopes
            .iter()
            .map(Metascope::as_str)
            .collect();
        assert_eq!(names, ["ent_aem_cloud_api", "ent_cloudmgr_sdk"]);
        assert!(integration.private_key.expose().contains("\r\n"));
        assert_eq!(integration.technical_account.client_secret.hint(), "cret");
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", ServiceCredentials::from_json(DOCUMENT));
        assert!(!shown.contains("s3cret") && !shown.contains("RSA PRIVATE"));
    }
}
