//! Credentials from environment variables.

use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use countersign_wire::credential_file::GrantName;
use countersign_wire::{ClientSecret, Opaque, ScopeSet};

use super::{CredentialsError, Draft, metascopes, read_text};

/// What every variable starts with.
pub const PREFIX: &str = "COUNTERSIGN_";

/// The variables that are read, without the prefix, and what each holds.
pub const NAMES: [(&str, &str); 12] = [
    ("IMS", "origin of the IMS"),
    ("GRANT", "`client_credentials` or `jwt`"),
    ("CLIENT_ID", "client id"),
    ("CLIENT_SECRET", "client secret"),
    ("SCOPES", "scopes, separated by commas"),
    ("METASCOPES", "metascopes, separated by commas"),
    ("ORG_ID", "organization"),
    ("TECHNICAL_ACCOUNT_ID", "technical account"),
    ("PRIVATE_KEY", "private key, in PEM"),
    ("PRIVATE_KEY_FILE", "file with the private key"),
    ("CERTIFICATE_FILE", "file with its certificate"),
    ("AUDIENCE_ORIGIN", "origin that assertions name"),
];

pub(super) fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Draft, CredentialsError> {
    let text = |name: &str| lookup(&format!("{PREFIX}{name}")).filter(|text| !text.is_empty());
    Ok(Draft {
        ims: parse("COUNTERSIGN_IMS", text("IMS"))?,
        grant: text("GRANT").as_deref().map(grant).transpose()?,
        client_id: parse("COUNTERSIGN_CLIENT_ID", text("CLIENT_ID"))?,
        client_secret: text("CLIENT_SECRET").as_deref().map(secret).transpose()?,
        scopes: parse::<ScopeSet>("COUNTERSIGN_SCOPES", text("SCOPES"))?
            .filter(|scopes| !scopes.is_empty()),
        metascopes: text("METASCOPES")
            .map(|text| metascopes("COUNTERSIGN_METASCOPES", &text))
            .transpose()?,
        org_id: parse("COUNTERSIGN_ORG_ID", text("ORG_ID"))?,
        technical_account_id: parse(
            "COUNTERSIGN_TECHNICAL_ACCOUNT_ID",
            text("TECHNICAL_ACCOUNT_ID"),
        )?,
        private_key: match (text("PRIVATE_KEY"), text("PRIVATE_KEY_FILE")) {
            (Some(pem), _) => Some(Opaque::new(pem)),
            (None, Some(file)) => Some(Opaque::new(read_text(Path::new(&file))?)),
            (None, None) => None,
        },
        certificate: text("CERTIFICATE_FILE")
            .map(|file| read_text(Path::new(&file)))
            .transpose()?,
        audience_origin: parse("COUNTERSIGN_AUDIENCE_ORIGIN", text("AUDIENCE_ORIGIN"))?,
    })
}

fn parse<T>(name: &'static str, text: Option<String>) -> Result<Option<T>, CredentialsError>
where
    T: FromStr<Err: Display>,
{
    text.map(|text| text.trim().parse())
        .transpose()
        .map_err(|error| CredentialsError::value(name, error))
}

fn grant(text: &str) -> Result<GrantName, CredentialsError> {
    match text {
        "client_credentials" => Ok(GrantName::ClientCredentials),
        "jwt" => Ok(GrantName::Jwt),
        _ => Err(CredentialsError::value(
            "COUNTERSIGN_GRANT",
            "`client_credentials` or `jwt`",
        )),
    }
}

fn secret(text: &str) -> Result<ClientSecret, CredentialsError> {
    let form = "a client secret has 1 to 512 printable ASCII characters";
    ClientSecret::parse(text.trim())
        .ok_or_else(|| CredentialsError::value("COUNTERSIGN_CLIENT_SECRET", form))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_make_a_credential() {
        let draft = read(|name| {
            Some(match name {
                "COUNTERSIGN_IMS" => "http://127.0.0.1:1".to_owned(),
                "COUNTERSIGN_CLIENT_ID" => "abc".to_owned(),
                "COUNTERSIGN_CLIENT_SECRET" => "s3cret\n".to_owned(),
                "COUNTERSIGN_SCOPES" => "openid, AdobeID".to_owned(),
                _ => return None,
            })
        });
        let credential = draft.expect("reads").credential().expect("complete");
        assert_eq!(credential.secret.expose(), "s3cret");
    }

    #[test]
    fn a_bad_value_is_named_and_not_repeated() {
        let lookup = |name: &str| (name == "COUNTERSIGN_ORG_ID").then(|| "p8e-oops".to_owned());
        let error = read(lookup).expect_err("not an organization");
        assert!(error.to_string().contains("COUNTERSIGN_ORG_ID"));
        assert!(!error.to_string().contains("p8e-oops"));
    }

    #[test]
    fn every_variable_is_listed() {
        let asked = std::cell::RefCell::new(Vec::new());
        read(|name| {
            asked.borrow_mut().push(name.to_owned());
            None
        })
        .expect("nothing is set");
        let mut listed = NAMES.map(|(name, _)| format!("{PREFIX}{name}"));
        listed.sort();
        let mut asked = asked.into_inner();
        asked.sort();
        assert_eq!(asked, listed);
    }
}
