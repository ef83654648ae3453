//! The master key: what the database's secrets are sealed and peppered with, and which is never in
//! the database. A dump of the database alone signs nothing and verifies no secret.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{digest, hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_wire::ClientSecret;
use zeroize::Zeroizing;

use crate::clock::random;

const KEY_BYTES: usize = 32;

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file cannot be read or made.
    #[error("the master key file {path} cannot be used: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A database exists that was made with a key, and the key is not there.
    #[error(
        "the master key file {0} is missing, and the database was made with one: restore it from your backup"
    )]
    Missing(PathBuf),
    /// Others may read it.
    #[error("the master key file {0} can be read by others: run `chmod 600` on it")]
    Permissions(PathBuf),
    /// Not 32 bytes in base64url.
    #[error(
        "the master key is not 32 bytes in base64url (43 characters): restore it from your backup, or start with an empty data folder"
    )]
    Form,
    /// No randomness to make one.
    #[error(transparent)]
    NoRandomness(#[from] crate::clock::NoRandomness),
}

/// Derives the key that seals private keys and the pepper that client secrets are digested with.
#[derive(Clone)]
pub struct MasterKey {
    id: String,
    seal: Zeroizing<[u8; KEY_BYTES]>,
    pepper: hmac::Key,
    marks: hmac::Key,
}

/// What a digest is of: one thing's digest is never another's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mark {
    /// The code of an invitation.
    Invitation,
    /// What a browser shows of its session.
    Session,
    /// What a form of a session carries.
    Form,
    /// A personal access token.
    AccessToken,
    /// A request that may come again.
    Request,
    /// The head of a chain of the activity log.
    ChainHead,
    /// What an ID token repeats.
    Nonce,
    /// What a code is redeemed with.
    Verifier,
    /// What came back from a provider.
    State,
    /// The link of a calendar.
    Calendar,
    /// The link that undoes a brown-out.
    Undo,
}

impl MasterKey {
    /// Reads the key from `path`.
    ///
    /// # Errors
    /// [`MasterKeyError`] says what to do.
    pub fn load(path: &Path) -> Result<Self, MasterKeyError> {
        match fs::read_to_string(path) {
            Ok(text) => {
                check_mode(path)?;
                Self::parse(&Zeroizing::new(text))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(MasterKeyError::Missing(path.to_owned()))
            }
            Err(source) => Err(MasterKeyError::File {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Reads the key from `path`, or makes one there (mode 0600) when there is no such file: for
    /// a new installation only.
    ///
    /// # Errors
    /// [`MasterKeyError`] says what to do.
    pub fn load_or_create(path: &Path) -> Result<Self, MasterKeyError> {
        match Self::load(path) {
            Err(MasterKeyError::Missing(path)) => {
                let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(random::<KEY_BYTES>()?));
                match create(&path, &text) {
                    Ok(()) => Self::parse(&text),
                    // Another process was faster: its key is the installation's.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::load(&path),
                    Err(source) => Err(MasterKeyError::File { path, source }),
                }
            }
            loaded => loaded,
        }
    }

    /// Reads the key from its text: 32 bytes in base64url without padding.
    ///
    /// # Errors
    /// [`MasterKeyError::Form`].
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| MasterKeyError::Form)?;
        if bytes.len() != KEY_BYTES {
            return Err(MasterKeyError::Form);
        }
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"countersign").extract(&bytes);
        let pepper = derive(&root, b"client secret pepper")?;
        let marks = derive(&root, b"sessions, links and access tokens")?;
        Ok(Self {
            id: short_id(derive(&root, b"master key id")?.as_slice()),
            seal: derive(&root, b"seal")?,
            pepper: hmac::Key::new(hmac::HMAC_SHA256, pepper.as_slice()),
            marks: hmac::Key::new(hmac::HMAC_SHA256, marks.as_slice()),
        })
    }

    /// Names the key, so that the wrong one is noticed before anything is opened with it. Tells
    /// nothing about the key.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Digests a client secret: the same time for every length that is accepted.
    pub(crate) fn digest(&self, secret: &ClientSecret) -> [u8; 32] {
        let tag = hmac::sign(&self.pepper, secret.expose().as_bytes());
        let mut mac = [0; 32];
        mac.copy_from_slice(tag.as_ref());
        mac
    }

    /// Digests what somebody shows to be let in: 43 characters of base64url.
    pub(crate) fn mark(&self, of: Mark, shown: &str) -> String {
        let mut context = hmac::Context::with_key(&self.marks);
        context.update(&[match of {
            Mark::Invitation => 1,
            Mark::Session => 2,
            Mark::Form => 3,
            Mark::AccessToken => 4,
            Mark::Request => 5,
            Mark::ChainHead => 6,
            Mark::Nonce => 7,
            Mark::Verifier => 8,
            Mark::State => 9,
            Mark::Calendar => 10,
            Mark::Undo => 11,
        }]);
        context.update(shown.as_bytes());
        URL_SAFE_NO_PAD.encode(context.sign().as_ref())
    }

    /// Seals `plain` for the thing called `name`: it opens under that name only.
    pub(crate) fn seal(&self, name: &str, plain: &[u8]) -> Result<String, SealError> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, self.seal.as_slice())?;
        let mut sealed = plain.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(name), &mut sealed)?;
        let text = [nonce.as_ref().as_slice(), &sealed].concat();
        Ok(format!("v1.{}", URL_SAFE_NO_PAD.encode(text)))
    }

    /// Opens what [`seal`](Self::seal) made.
    pub(crate) fn open(&self, name: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let text = sealed.strip_prefix("v1.").ok_or(SealError)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| SealError)?;
        let (nonce, rest) = bytes.split_at_checked(NONCE_LEN).ok_or(SealError)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, self.seal.as_slice())?;
        let nonce = Nonce::try_assume_unique_for_key(nonce)?;
        let mut plain = Zeroizing::new(rest.to_vec());
        let length = key
            .open_in_place(nonce, Aad::from(name), plain.as_mut_slice())?
            .len();
        plain.truncate(length);
        Ok(plain)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

/// Something could not be sealed or opened: the wrong master key, or damage.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a sealed value does not open: the master key is another one, or the database is damaged")]
pub struct SealError;

impl From<aws_lc_rs::error::Unspecified> for SealError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}

fn derive(root: &hkdf::Prk, label: &[u8]) -> Result<Zeroizing<[u8; KEY_BYTES]>, MasterKeyError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    let info = [label];
    let okm = root
        .expand(&info, hkdf::HKDF_SHA256)
        .map_err(|_| MasterKeyError::Form)?;
    okm.fill(key.as_mut_slice())
        .map_err(|_| MasterKeyError::Form)?;
    Ok(key)
}

fn short_id(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    URL_SAFE_NO_PAD.encode(digest.as_ref().get(..6).unwrap_or_default())
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Result<(), MasterKeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = fs::metadata(path).map_err(|source| MasterKeyError::File {
        path: path.to_owned(),
        source,
    })?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(MasterKeyError::Permissions(path.to_owned()));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<(), MasterKeyError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> MasterKey {
        MasterKey::parse(&URL_SAFE_NO_PAD.encode([byte; 32])).expect("well-formed")
    }

    #[test]
    fn what_was_sealed_opens_under_its_name_and_key_only() {
        let sealed = key(1).seal("signing key 1", b"private").expect("seals");
        assert_eq!(
            key(1)
                .open("signing key 1", &sealed)
                .expect("opens")
                .as_slice(),
            b"private"
        );
        assert!(key(1).open("signing key 2", &sealed).is_err());
        assert!(key(2).open("signing key 1", &sealed).is_err());
        assert!(
            key(1)
                .open("signing key 1", &sealed[..sealed.len() - 2])
                .is_err()
        );
        assert!(key(1).open("signing key 1", "v1.").is_err());
    }

    #[test]
    fn digests_depend_on_the_key() {
        let secret = ClientSecret::parse("p8e-some").expect("fits");
        assert_eq!(key(1).digest(&secret), key(1).digest(&secret));
        assert_ne!(key(1).digest(&secret), key(2).digest(&secret));
        assert_ne!(key(1).id(), key(2).id());
    }

    #[test]
    fn a_new_file_is_private_and_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("data").join("master.key");
        let first = MasterKey::load_or_create(&path).expect("made");
        assert_eq!(
            MasterKey::load_or_create(&path).expect("read").id(),
            first.id()
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("chmod");
            let error = MasterKey::load_or_create(&path).expect_err("too open");
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }
}
