//! Flags that name a credential, and how they go together with a file and the environment.

use std::fmt::Display;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use countersign_client::credentials::{self, Choice, Draft, metascopes};
use countersign_client::jwt::Jti;
use countersign_client::{Client, Grant, Http, HttpOptions, Origin};
use countersign_wire::credential_file::GrantName;
use countersign_wire::{ClientSecret, Opaque, ScopeSet};

use crate::outcome::Failure;

/// Flags that name a credential. Flags win over the file, the file over the environment.
///
/// Values are taken as plain text and checked here, because the parser repeats what it refuses.
#[derive(Debug, clap::Args)]
pub struct CredentialArgs {
    /// Credential file, AEM service credentials or downloaded project, as JSON; `-` reads stdin
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Which credential of a project: its name, its id or its client id
    #[arg(long, value_name = "NAME", requires = "file")]
    credential: Option<String>,
    /// Origin of the IMS [default: Adobe's production]
    #[arg(long, value_name = "URL")]
    ims: Option<String>,
    /// Let `--ims` be plain http to another machine; the secret travels readable
    #[arg(long, requires = "ims")]
    danger_plain_http: bool,
    /// How to ask for tokens
    #[arg(long, value_enum)]
    grant: Option<GrantArg>,
    /// Client id
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// File with the client secret; `-` reads stdin
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// Scopes, separated by commas
    #[arg(long, value_name = "LIST", alias = "scope")]
    scopes: Option<String>,
    /// Metascopes, separated by commas
    #[arg(long, value_name = "LIST", alias = "metascope")]
    metascopes: Option<String>,
    /// Organization: `…@AdobeOrg`
    #[arg(long, value_name = "ID")]
    org_id: Option<String>,
    /// Technical account: `…@techacct.adobe.com`
    #[arg(long, value_name = "ID")]
    technical_account_id: Option<String>,
    /// File with the private key, in PEM
    #[arg(long, value_name = "FILE")]
    private_key_file: Option<PathBuf>,
    /// File with the certificate of the key, in PEM; looked at by `doctor`
    #[arg(long, value_name = "FILE")]
    certificate_file: Option<PathBuf>,
    /// Origin that assertions name, where it is not the one that is called
    #[arg(long, value_name = "URL")]
    audience_origin: Option<String>,
    /// How many seconds an assertion lives
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    life: u32,
    /// Put a `jti` into assertions, which some organizations demand
    #[arg(long)]
    jti: bool,
    /// PEM file of authorities to trust besides those of the operating system
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum GrantArg {
    /// OAuth Server-to-Server
    #[value(name = "client_credentials", alias = "oauth")]
    ClientCredentials,
    /// Service Account (JWT)
    Jwt,
}

impl CredentialArgs {
    /// What flags, file and environment say together.
    ///
    /// # Errors
    /// A file that cannot be read, a value of the wrong form.
    pub fn draft(&self) -> Result<Draft, Failure> {
        if is_stdin(self.file.as_deref()) && is_stdin(self.client_secret_file.as_deref()) {
            return Err(Failure::broken(
                "`--file` and `--client-secret-file` cannot both read stdin",
            ));
        }
        let environment = Draft::from_environment(|name| std::env::var(name).ok())?;
        Ok(self.flags()?.or(self.document()?).or(environment))
    }

    /// Who asks and for what, with the wishes for assertions.
    ///
    /// # Errors
    /// What is missing, or a key that cannot be used.
    pub fn client(&self, draft: &Draft) -> Result<Client, Failure> {
        let mut client = draft.client()?;
        self.adjust(&mut client.grant);
        Ok(client)
    }

    /// Applies the wishes for assertions.
    pub fn adjust(&self, grant: &mut Grant) {
        if let Grant::Jwt(signer) = grant {
            signer.life = Duration::from_secs(self.life.into());
            signer.jti = if self.jti { Jti::Growing } else { Jti::Absent };
        }
    }

    /// A way to talk to `origin`.
    ///
    /// # Errors
    /// The CA file cannot be used.
    pub fn http(&self, origin: Origin) -> Result<Http, Failure> {
        let mut options = HttpOptions::default();
        options.ca_file.clone_from(&self.ca_file);
        Ok(Http::new(origin, &options)?)
    }

    fn flags(&self) -> Result<Draft, Failure> {
        let scopes: Option<ScopeSet> = parse("--scopes", self.scopes.as_deref())?;
        Ok(Draft {
            ims: self.origin()?,
            grant: self.grant.map(GrantName::from),
            client_id: parse("--client-id", self.client_id.as_deref())?,
            client_secret: self.client_secret()?,
            scopes: scopes.filter(|scopes| !scopes.is_empty()),
            metascopes: self
                .metascopes
                .as_deref()
                .map(|text| metascopes("--metascopes", text))
                .transpose()?,
            org_id: parse("--org-id", self.org_id.as_deref())?,
            technical_account_id: parse(
                "--technical-account-id",
                self.technical_account_id.as_deref(),
            )?,
            private_key: text_of(self.private_key_file.as_deref())?.map(Opaque::new),
            certificate: text_of(self.certificate_file.as_deref())?,
            audience_origin: parse("--audience-origin", self.audience_origin.as_deref())?,
        })
    }

    fn origin(&self) -> Result<Option<Origin>, Failure> {
        if !self.danger_plain_http {
            return parse("--ims", self.ims.as_deref());
        }
        let parsed = self.ims.as_deref().map(Origin::danger_parse_plaintext);
        parsed.transpose().map_err(|error| wrong("--ims", error))
    }

    fn client_secret(&self) -> Result<Option<ClientSecret>, Failure> {
        let Some(text) = text_of(self.client_secret_file.as_deref())? else {
            return Ok(None);
        };
        let secret = ClientSecret::parse(text.trim());
        secret.map(Some).ok_or_else(|| {
            wrong(
                "--client-secret-file",
                "a client secret is one line of 1 to 512 printable ASCII characters",
            )
        })
    }

    fn document(&self) -> Result<Draft, Failure> {
        let Some(text) = text_of(self.file.as_deref())? else {
            return Ok(Draft::default());
        };
        let folder = self.file.as_deref().and_then(Path::parent);
        let choice = Choice {
            credential: self.credential.as_deref(),
            grant: self.grant.map(GrantName::from),
        };
        Ok(Draft::from_json(
            &text,
            folder.unwrap_or(Path::new(".")),
            choice,
        )?)
    }
}

impl From<GrantArg> for GrantName {
    fn from(grant: GrantArg) -> Self {
        match grant {
            GrantArg::ClientCredentials => Self::ClientCredentials,
            GrantArg::Jwt => Self::Jwt,
        }
    }
}

fn parse<T>(flag: &str, text: Option<&str>) -> Result<Option<T>, Failure>
where
    T: FromStr<Err: Display>,
{
    text.map(str::parse)
        .transpose()
        .map_err(|error| wrong(flag, error))
}

fn wrong(flag: &str, form: impl Display) -> Failure {
    Failure::broken(format!("`{flag}`: {form}"))
}

fn is_stdin(path: Option<&Path>) -> bool {
    path.is_some_and(|path| path.as_os_str() == "-")
}

fn text_of(path: Option<&Path>) -> Result<Option<String>, Failure> {
    let Some(path) = path else { return Ok(None) };
    if !is_stdin(Some(path)) {
        return Ok(Some(credentials::read_text(path)?));
    }
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(MAX_STDIN)
        .read_to_string(&mut text)
        .map_err(|error| Failure::broken(format!("cannot read stdin: {}", error.kind())))?;
    Ok(Some(text))
}

/// More than any document of ours, in bytes.
const MAX_STDIN: u64 = 1 << 20;
