//! What is wrong with a credential before anybody was asked.

use std::fmt;
use std::io;
use std::path::PathBuf;

use countersign_jose::KeyError;

/// What is wrong with a credential. Holds names and places, never values.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// These are missing, by the names of our credential file.
    #[error("the credential is incomplete: {} missing", list(.0))]
    Missing(Vec<&'static str>),
    /// A value of the wrong form.
    #[error("`{name}`: {form}")]
    Value {
        /// Where it came from.
        name: &'static str,
        /// What it should be.
        form: String,
    },
    /// A document that is no JSON, or not of its form.
    #[error("{document}: {fault}")]
    Json {
        /// What it looked like.
        document: &'static str,
        /// What is wrong with it, and where.
        fault: JsonFault,
    },
    /// JSON, but of nothing we know.
    #[error(
        "this is neither a credential file, nor AEM service credentials, nor a downloaded project"
    )]
    UnknownDocument,
    /// AEM answered with a failure instead of credentials.
    #[error("these AEM service credentials hold no credential, but the report of a failure")]
    AemFailure,
    /// The project has no credential that fits.
    #[error("the project holds no server-to-server credential of that name and grant")]
    NoneFits,
    /// The project has several credentials that fit; their names.
    #[error("the project holds several credentials: {}", list(.0))]
    Several(Vec<String>),
    /// A file that cannot be read.
    #[error("cannot read `{path}`: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What happened.
        why: io::ErrorKind,
    },
    /// A private key that cannot be used.
    #[error("the private key: {0}")]
    Key(#[from] KeyError),
    /// A private key that is not RSA.
    #[error("the private key: assertions are signed with RS256, which needs an RSA key")]
    KeyKind,
}

impl CredentialsError {
    pub(crate) fn value(name: &'static str, form: impl fmt::Display) -> Self {
        Self::Value {
            name,
            form: form.to_string(),
        }
    }
}

/// What is wrong with a JSON text, and where, without the text: it is full of secrets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct JsonFault(String);

impl From<&serde_json::Error> for JsonFault {
    fn from(error: &serde_json::Error) -> Self {
        let place = format!("line {} column {}", error.line(), error.column());
        let said = error.to_string();
        let what = said.split(" at line ").next().unwrap_or_default();
        // These three repeat what was found; what was expected is enough.
        let found = ["invalid type", "invalid value", "unknown "];
        let what = if found.iter().any(|start| what.starts_with(start)) {
            let expected = what.rsplit_once(", expected ").map(|(_, after)| after);
            format!("expected {}", expected.unwrap_or("something else"))
        } else {
            what.to_owned()
        };
        Self(format!("{what} at {place}"))
    }
}

impl fmt::Display for JsonFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn list(names: &[impl fmt::Display]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
