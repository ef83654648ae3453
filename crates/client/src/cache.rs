//! A file that keeps one token between runs of a program, readable by its owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use countersign_wire::{Opaque, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::credentials::{Client, Grant};
use crate::token::AccessToken;

/// Keeps one token in a file of mode 0600.
#[derive(Clone, Debug)]
pub struct TokenFile(PathBuf);

/// Why the token file was not used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// Others can read or write it.
    #[error("the token file `{0}` is open to others; run `chmod 600` on it, or delete it")]
    Open(PathBuf),
    /// It is no regular file.
    #[error("the token file `{0}` is not a regular file")]
    NotAFile(PathBuf),
    /// The operating system said no.
    #[error("the token file `{path}`: {why}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What happened.
        why: io::ErrorKind,
    },
}

/// What is written: the token, and whose it is.
#[derive(Deserialize, Serialize)]
struct Entry<T> {
    ims: String,
    client_id: String,
    asked_for: String,
    expires_at: Timestamp,
    renew_at: Timestamp,
    access_token: T,
}

impl TokenFile {
    /// Names the file. It is made when there is something to keep.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The token kept for `client`, if there is one.
    ///
    /// # Errors
    /// [`CacheError`]. A file of somebody else's credential, or one that cannot be understood, is
    /// no error: it holds no token for `client`.
    pub fn load(&self, client: &Client) -> Result<Option<AccessToken>, CacheError> {
        let file = match File::open(&self.0) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.io(&error)),
        };
        self.check(&file)?;
        let mut text = Zeroizing::new(String::new());
        file.take(LONGEST)
            .read_to_string(&mut text)
            .map_err(|error| self.io(&error))?;
        let entry = serde_json::from_str::<Entry<Opaque>>(&text).ok();
        Ok(entry.filter(|entry| entry.is_for(client)).map(|entry| {
            AccessToken::restored(entry.access_token, entry.expires_at, entry.renew_at)
        }))
    }

    /// Keeps `token` for `client`, instead of whatever was kept. The file is replaced as a whole.
    ///
    /// # Errors
    /// [`CacheError`]
    pub fn save(&self, client: &Client, token: &AccessToken) -> Result<(), CacheError> {
        if let Ok(file) = File::open(&self.0) {
            self.check(&file)?;
        }
        let text =
            Zeroizing::new(serde_json::to_string(&Entry::new(client, token)).unwrap_or_default());
        let new = self.beside();
        let written = write_private(&new, &text).and_then(|()| fs::rename(&new, &self.0));
        written.map_err(|error| {
            let _ = fs::remove_file(&new);
            self.io(&error)
        })
    }

    /// Looks at the opened file, not at its name, which may mean another file by now.
    fn check(&self, file: &File) -> Result<(), CacheError> {
        let meta = file.metadata().map_err(|error| self.io(&error))?;
        if !meta.is_file() {
            return Err(CacheError::NotAFile(self.0.clone()));
        }
        if meta.mode() & 0o077 != 0 {
            return Err(CacheError::Open(self.0.clone()));
        }
        Ok(())
    }

    fn beside(&self) -> PathBuf {
        let mut name = self.0.clone().into_os_string();
        name.push(format!(".{}.new", std::process::id()));
        name.into()
    }

    fn io(&self, error: &io::Error) -> CacheError {
        CacheError::Io {
            path: self.0.clone(),
            why: error.kind(),
        }
    }
}

impl<'t> Entry<&'t str> {
    fn new(client: &Client, token: &'t AccessToken) -> Self {
        Self {
            ims: client.ims.to_string(),
            client_id: client.client_id.to_string(),
            asked_for: asked_for(&client.grant),
            expires_at: token.expires_at(),
            renew_at: token.renew_at(),
            access_token: token.expose(),
        }
    }
}

impl<T> Entry<T> {
    fn is_for(&self, client: &Client) -> bool {
        self.ims == client.ims.as_str()
            && self.client_id == client.client_id.as_str()
            && self.asked_for == asked_for(&client.grant)
    }
}

/// Grant, scopes and organization in one text: tokens for other ones are other tokens.
fn asked_for(grant: &Grant) -> String {
    match grant {
        Grant::ClientCredentials(request) => {
            let org = request.org_id.as_ref().map_or("", |org| org.as_str());
            format!("client_credentials {} {org}", request.scopes)
        }
        Grant::Jwt(signer) => {
            let names: Vec<&str> = signer.metascopes.iter().map(|one| one.as_str()).collect();
            format!(
                "jwt {} {} {}",
                names.join(","),
                signer.org_id,
                signer.technical_account_id
            )
        }
    }
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    // What a run that was killed left behind.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Of a token file, in bytes.
const LONGEST: u64 = 65_536;
