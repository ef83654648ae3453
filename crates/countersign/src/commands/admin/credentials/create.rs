//! `admin credentials create`

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use countersign_authority::{Created, ManageError, NewCertificate, NewCredential, NewGrant};
use countersign_model::{Credential, Origin, Owner};
use countersign_wire::credential_file::{CredentialFile, GrantName};
use countersign_wire::{ClientId, Opaque, OrgId, TechnicalAccountId};

use super::{service, view};
use crate::commands::admin::Answer;
use crate::commands::admin::certificates::no_place_for_the_key;
use crate::commands::admin::files::{self, NewFile};
use crate::commands::admin::session::Session;
use crate::outcome::Failure;
use crate::output;

/// A credential to be made.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// With which grant it starts
    #[arg(long = "type", value_name = "TYPE")]
    kind: Kind,
    /// Id or name of the project
    #[arg(long)]
    project: String,
    /// Shown to people
    #[arg(long)]
    name: String,
    /// The team that warnings must reach
    #[arg(long, value_name = "TEAM")]
    owner_team: String,
    /// How to reach the team: a mail address, a channel
    #[arg(long, value_name = "CONTACT")]
    owner_contact: String,
    /// A service it may use, and the product profiles by id or name; repeatable
    #[arg(long = "service", value_name = "CODE[:PROFILE,..]")]
    services: Vec<String>,
    /// Certificate of the key pair that signs assertions: PEM or DER, or `-` for stdin
    #[arg(long, value_name = "FILE", conflicts_with = "generate_key")]
    certificate: Option<PathBuf>,
    /// Make the key pair that signs assertions here
    #[arg(long)]
    generate_key: bool,
    /// New file for the private key that is made, readable for you only
    #[arg(long, value_name = "FILE", requires = "generate_key")]
    private_key_out: Option<PathBuf>,
    /// Its client id, if it has one already
    #[arg(long)]
    client_id: Option<ClientId>,
    /// Its technical account's id, if it has one already
    #[arg(long)]
    technical_account_id: Option<TechnicalAccountId>,
    /// Where it comes from
    #[arg(long, default_value = "console", value_parser = PossibleValuesParser::new(["console", "auto_generated", "aem_developer_console"]).try_map(|word| Origin::parse(&word).ok_or("no such word")))]
    origin: Origin,
    /// The organization [default: the only one]
    #[arg(long)]
    org: Option<OrgId>,
    /// Print lines for a shell
    #[arg(long, conflicts_with = "save")]
    env: bool,
    /// Write a new credential file, readable for you only, and print no secret
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

/// The types, as the Developer Console names them.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Kind {
    /// Tokens for client id and secret
    OauthServerToServer,
    /// Tokens for signed assertions; deprecated
    ServiceAccountJwt,
}

pub(super) async fn run(args: &Args, session: &Session, json: bool) -> Result<Answer, Failure> {
    let (authority, actor) = (&session.authority, &session.actor);
    let grant = grant(args)?;
    let org = session.organization(args.org.as_ref()).await?;
    let project = authority.find_project(&org, &args.project, actor).await?;
    let mut subscriptions = Vec::new();
    for text in &args.services {
        subscriptions.push(service::subscription(text, &org, session).await?);
    }
    let files = Files::reserve(args, json)?;
    let new = NewCredential {
        project_id: project.id,
        workspace_id: None,
        name: args.name.clone(),
        owner: Owner {
            team: args.owner_team.clone(),
            contact: args.owner_contact.clone(),
        },
        origin: args.origin,
        grant,
        subscriptions,
        client_id: args.client_id.clone(),
        technical_account_id: args.technical_account_id.clone(),
    };
    let created = authority.create_credential(new, actor).await?;
    hand_out(args, &created, files, session)
}

fn grant(args: &Args) -> Result<NewGrant, Failure> {
    match (args.kind, &args.certificate, args.generate_key) {
        (Kind::OauthServerToServer, None, false) => Ok(NewGrant::OAuth),
        (Kind::OauthServerToServer, ..) => Err(Failure::broken("an OAuth Server-to-Server credential has no certificate")
            .hint("leave `--certificate` and `--generate-key` out, or choose `--type service-account-jwt`")),
        (Kind::ServiceAccountJwt, Some(file), _) => Ok(NewGrant::Jwt(NewCertificate::Upload(files::read(file)?.to_vec()))),
        (Kind::ServiceAccountJwt, None, true) => Ok(NewGrant::Jwt(NewCertificate::Generate)),
        (Kind::ServiceAccountJwt, None, false) => Err(ManageError::CertificateNeeded.into()),
    }
}

/// Where secret and private key go, taken before either exists.
struct Files {
    save: Option<NewFile>,
    private_key: Option<NewFile>,
}

impl Files {
    fn reserve(args: &Args, json: bool) -> Result<Self, Failure> {
        let reserve = |path: &Option<PathBuf>| path.as_deref().map(NewFile::reserve).transpose();
        let files = Self {
            save: reserve(&args.save)?,
            private_key: reserve(&args.private_key_out)?,
        };
        let has_place = files.save.is_some() || files.private_key.is_some() || (json && !args.env);
        if args.generate_key && !has_place {
            return Err(no_place_for_the_key()
                .hint("`--save FILE` puts everything a client needs into one file"));
        }
        Ok(files)
    }
}

/// The one door by which the first secret and the private key leave: into files, or to stdout.
fn hand_out(
    args: &Args,
    created: &Created,
    files: Files,
    session: &Session,
) -> Result<Answer, Failure> {
    let Created {
        credential,
        account,
        secret,
        private_key,
    } = created;
    let catalogue = session.authority.catalogue();
    let mut record = view::details(credential, account, &[], catalogue);
    let key = private_key.as_ref().map(Opaque::expose);
    match (&files.private_key, &files.save) {
        (Some(file), _) => record = record.text("private_key_file", file.path().display()),
        (None, None) => record = record.maybe("private_key", key),
        (None, Some(_)) => {}
    }
    let document = document(args, created, session);
    if let (Some(file), Some(key)) = (files.private_key, key) {
        file.write(key)?;
    }
    if let Some(file) = files.save {
        let record = record.text("saved", file.path().display());
        file.write(&document.to_json_with_secrets())?;
        output::note("the file holds the secret, which is not shown again: keep it");
        return Ok(Answer::Item(record));
    }
    output::note("the secret is shown this once: store it now");
    let document_scopes = names(&document);
    let (list, value) = &document_scopes;
    let pairs = [
        ("CLIENT_ID", credential.client_id.as_str()),
        ("CLIENT_SECRET", secret.expose()),
        ("ORG_ID", credential.org_id.as_str()),
        ("TECHNICAL_ACCOUNT_ID", account.id.as_str()),
        (*list, value.as_str()),
        ("IMS", document.ims.as_deref().unwrap_or_default()),
    ];
    Ok(Answer::item_or_env(
        record.text("client_secret", secret.expose()),
        args.env,
        &pairs,
    ))
}

/// `SCOPES` or `METASCOPES`, and what it holds.
fn names(document: &CredentialFile) -> (&'static str, String) {
    match document.grant {
        GrantName::ClientCredentials => ("SCOPES", joined(&document.scopes)),
        GrantName::Jwt => ("METASCOPES", joined(&document.metascopes)),
    }
}

fn joined(values: &[impl ToString]) -> String {
    values
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(",")
}

/// Everything the client needs.
fn document(args: &Args, created: &Created, session: &Session) -> CredentialFile {
    let Created {
        credential,
        account,
        secret,
        private_key,
    } = created;
    let catalogue = session.authority.catalogue();
    let (grant, certificate) = match args.kind {
        Kind::OauthServerToServer => (GrantName::ClientCredentials, None),
        Kind::ServiceAccountJwt => (GrantName::Jwt, credential.certificates.first()),
    };
    let mut file = CredentialFile::new(grant);
    file.ims = Some(session.authority.config().issuer.clone());
    file.client_id = Some(credential.client_id.clone());
    file.client_secret = Some(secret.clone());
    file.org_id = Some(credential.org_id.clone());
    file.technical_account_id = Some(account.id.clone());
    match grant {
        GrantName::ClientCredentials => file.scopes = scopes(credential, session),
        GrantName::Jwt => file.metascopes = view::metascopes(credential, catalogue),
    }
    match args.private_key_out.as_deref() {
        Some(path) => file.private_key_file = Some(absolute(path)),
        None => file.private_key = private_key.clone(),
    }
    file.certificate = certificate.map(|certificate| certificate.pem.clone());
    file
}

fn scopes(credential: &Credential, session: &Session) -> Vec<countersign_wire::Scope> {
    credential
        .granted_scopes(session.authority.catalogue())
        .iter()
        .cloned()
        .collect()
}

/// The credential file may lie in another folder than the key.
fn absolute(path: &Path) -> String {
    std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .to_string_lossy()
        .into_owned()
}
