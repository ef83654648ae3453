//! The three JSON documents that hold credentials.

use std::path::Path;

use countersign_wire::Opaque;
use countersign_wire::credential_file::{CredentialFile, GrantName};
use countersign_wire::project_json::{self, ProjectJson};
use countersign_wire::service_credentials::ServiceCredentials;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{CredentialsError, Draft, JsonFault, read_text, some_metascopes, some_scopes};
use crate::origin::Origin;

/// Which credential of a project is meant, where there are several.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choice<'c> {
    /// Its name, its id or its client id.
    pub credential: Option<&'c str>,
    /// Which half. Where nobody says, OAuth is preferred, as the original's importers do during
    /// migration (`spec/ims-protocol.md` 6.10).
    pub grant: Option<GrantName>,
}

/// By which each document is known.
#[derive(Deserialize)]
struct Marks {
    project: Option<IgnoredAny>,
    integration: Option<IgnoredAny>,
    grant: Option<IgnoredAny>,
    #[serde(rename = "statusCode")]
    status_code: Option<IgnoredAny>,
}

pub(super) fn read(
    text: &str,
    folder: &Path,
    choice: Choice<'_>,
) -> Result<Draft, CredentialsError> {
    let marks: Marks = serde_json::from_str(text).map_err(|e| json("the document", &e))?;
    match marks {
        Marks { grant: Some(_), .. } => own(text, folder),
        Marks {
            integration: Some(_),
            ..
        } => aem(text),
        Marks {
            project: Some(_), ..
        } => project(text, choice),
        Marks {
            status_code: Some(_),
            ..
        } => Err(CredentialsError::AemFailure),
        _ => Err(CredentialsError::UnknownDocument),
    }
}

fn own(text: &str, folder: &Path) -> Result<Draft, CredentialsError> {
    let file = CredentialFile::from_json(text).map_err(|e| json("the credential file", &e))?;
    let from_file = |name: &String| read_text(&folder.join(name)).map(Opaque::new);
    let ims = file.ims.as_deref().map(|ims| origin("ims", ims));
    Ok(Draft {
        ims: ims.transpose()?,
        grant: Some(file.grant),
        client_id: file.client_id,
        client_secret: file.client_secret,
        scopes: some_scopes(file.scopes),
        metascopes: some_metascopes(file.metascopes),
        org_id: file.org_id,
        technical_account_id: file.technical_account_id,
        private_key: match file.private_key {
            Some(key) => Some(key),
            None => file.private_key_file.as_ref().map(from_file).transpose()?,
        },
        certificate: file.certificate,
        audience_origin: None,
    })
}

fn aem(text: &str) -> Result<Draft, CredentialsError> {
    let document =
        ServiceCredentials::from_json(text).map_err(|e| json("the AEM service credentials", &e))?;
    let found = document.integration;
    Ok(Draft {
        ims: Some(origin("imsEndpoint", &found.ims_endpoint)?),
        grant: Some(GrantName::Jwt),
        client_id: Some(found.technical_account.client_id),
        client_secret: Some(found.technical_account.client_secret),
        metascopes: some_metascopes(found.metascopes),
        org_id: Some(found.org),
        technical_account_id: Some(found.id),
        private_key: Some(found.private_key),
        certificate: found.public_key,
        ..Draft::default()
    })
}

fn project(text: &str, choice: Choice<'_>) -> Result<Draft, CredentialsError> {
    let document = ProjectJson::from_json(text).map_err(|e| json("the project", &e))?;
    let org_id = document.project.org.ims_org_id;
    let mut fitting: Vec<_> = document
        .project
        .workspace
        .details
        .credentials
        .into_iter()
        .filter(|credential| choice.fits(credential))
        .collect();
    let Some(only) = fitting.pop() else {
        return Err(CredentialsError::NoneFits);
    };
    if !fitting.is_empty() {
        let mut names: Vec<String> = fitting.into_iter().map(|one| one.name).collect();
        names.push(only.name);
        return Err(CredentialsError::Several(names));
    }
    let half = half_of(only, choice).ok_or(CredentialsError::NoneFits)?;
    Ok(match half {
        // Only clients that no organization owns name one in the request; these have an owner.
        Draft {
            grant: Some(GrantName::ClientCredentials),
            ..
        } => half,
        _ => Draft {
            org_id: Some(org_id),
            ..half
        },
    })
}

impl Choice<'_> {
    fn fits(self, credential: &project_json::Credential) -> bool {
        let oauth = credential.oauth_server_to_server.as_ref();
        let jwt = credential.jwt.as_ref();
        let named = self.credential.is_none_or(|wanted| {
            credential.name == wanted
                || credential.id.as_str() == wanted
                || oauth.is_some_and(|half| half.client_id.as_str() == wanted)
                || jwt.is_some_and(|half| half.client_id.as_str() == wanted)
        });
        named
            && match self.grant {
                Some(GrantName::ClientCredentials) => oauth.is_some(),
                Some(GrantName::Jwt) => jwt.is_some(),
                None => oauth.is_some() || jwt.is_some(),
            }
    }
}

fn half_of(credential: project_json::Credential, choice: Choice<'_>) -> Option<Draft> {
    let wants = |grant| choice.grant.is_none_or(|wanted| wanted == grant);
    let oauth = credential.oauth_server_to_server;
    let oauth = oauth.filter(|_| wants(GrantName::ClientCredentials));
    let jwt = credential.jwt.filter(|_| wants(GrantName::Jwt));
    oauth
        .map(|half| Draft {
            grant: Some(GrantName::ClientCredentials),
            client_id: Some(half.client_id),
            client_secret: half.client_secrets.into_iter().next(),
            technical_account_id: half.technical_account_id,
            scopes: some_scopes(half.scopes),
            ..Draft::default()
        })
        .or_else(|| {
            jwt.map(|half| Draft {
                grant: Some(GrantName::Jwt),
                client_id: Some(half.client_id),
                client_secret: half.client_secret,
                technical_account_id: Some(half.technical_account_id),
                metascopes: some_metascopes(half.meta_scopes),
                ..Draft::default()
            })
        })
}

fn origin(name: &'static str, text: &str) -> Result<Origin, CredentialsError> {
    Origin::parse(text).map_err(|error| CredentialsError::value(name, error))
}

fn json(document: &'static str, error: &serde_json::Error) -> CredentialsError {
    CredentialsError::Json {
        document,
        fault: JsonFault::from(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: &str = r#"{"project":{"id":"1","name":"p",
        "org":{"id":"2","ims_org_id":"0A1B2C3D4E5F60718293A4B5@AdobeOrg"},
        "workspace":{"id":"3","name":"Production","details":{"credentials":[
        {"id":"4","name":"moving","integration_type":"oauth_server_to_server_migrate",
         "jwt":{"client_id":"both","client_secret":"s1",
          "technical_account_id":"1122334455667788990A0B0C@techacct.adobe.com","meta_scopes":["ent_x"]},
         "oauth_server_to_server":{"client_id":"both","client_secrets":["s1","s2"],"scopes":["openid"]}},
        {"id":"5","name":"old","integration_type":"service",
         "jwt":{"client_id":"old-id","client_secret":"s3",
          "technical_account_id":"1122334455667788990A0B0C@techacct.adobe.com","meta_scopes":["ent_x"]}},
        {"id":"6","name":"browser","integration_type":"apikey"}]}}}}"#;

    fn chosen(credential: &str, grant: Option<GrantName>) -> Result<Draft, CredentialsError> {
        let credential = Some(credential);
        read(PROJECT, Path::new("."), Choice { credential, grant })
    }

    #[test]
    fn oauth_is_preferred_during_migration() {
        let draft = chosen("moving", None).expect("reads");
        assert_eq!(draft.grant_name(), GrantName::ClientCredentials);
        assert_eq!(draft.missing(), Vec::<&str>::new());
        assert_eq!(draft.org_id, None);

        let draft = chosen("4", Some(GrantName::Jwt)).expect("reads");
        assert_eq!(draft.missing(), ["private_key"]);
        assert!(draft.org_id.is_some());
    }

    #[test]
    fn several_credentials_need_a_choice() {
        let error = read(PROJECT, Path::new("."), Choice::default()).expect_err("two fit");
        assert_eq!(
            error.to_string(),
            "the project holds several credentials: `moving`, `old`"
        );
        assert!(matches!(
            chosen("browser", None),
            Err(CredentialsError::NoneFits)
        ));
    }

    #[test]
    fn errors_do_not_repeat_the_document() {
        let canary = "c4n4ry-s3cret";
        for text in [
            format!(r#"{{"grant":"jwt","scopes":"{canary}"}}"#),
            format!(r#"{{"grant":"{canary}"}}"#),
            format!(r#"{{"grant":"jwt","{canary}":1}}"#),
            format!(r#"{{"grant":"jwt","org_id":"{canary}"}}"#),
            format!(r#"{{"grant":"jwt","ims":"https://u:{canary}@x"}}"#),
            format!(r#"{{"integration":"{canary}"}}"#),
            format!(r#""{canary}""#),
            format!("{{{canary}"),
        ] {
            let error = read(&text, Path::new("."), Choice::default()).expect_err(&text);
            assert!(!format!("{error} {error:?}").contains(canary), "{error:?}");
        }
    }
}
