//! How a command ends.

use std::process::ExitCode;

use countersign_client::{CredentialsError, Error};

/// How a command ended, as its exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: refused: bad credentials, scope, date; or `doctor` found something wrong.
    Refused,
    /// 2: broken: network, file, usage.
    Broken,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Refused => 1,
            Exit::Broken => 2,
        })
    }
}

/// Why a command did not do what it was asked to.
///
/// Words for people: lower case, no full stop, literals in backticks, and never a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// Whose fault it is, more or less.
    pub exit: Exit,
    /// What happened.
    pub message: String,
    /// What to do next, one line each.
    pub hints: Vec<String>,
}

impl Failure {
    /// Network, file or usage.
    pub fn broken(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Broken,
            message: message.into(),
            hints: Vec::new(),
        }
    }

    /// Somebody said no.
    pub fn refused(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Refused,
            ..Self::broken(message)
        }
    }

    /// With a line that says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match &error {
            Error::Refused(refusal) if !refusal.is_temporary() => Exit::Refused,
            _ => Exit::Broken,
        };
        Self {
            exit,
            ..Self::broken(error.to_string())
        }
    }
}

impl From<CredentialsError> for Failure {
    fn from(error: CredentialsError) -> Self {
        let failure = Self::broken(error.to_string());
        match error {
            CredentialsError::Missing(names) => names
                .into_iter()
                .fold(failure, |failure, name| failure.hint(where_from(name))),
            CredentialsError::Several(_) => failure.hint("choose one with `--credential NAME`"),
            CredentialsError::UnknownDocument => failure.hint(
                "our credential file has a member `grant`, AEM's `integration`, a project `project`",
            ),
            CredentialsError::AemFailure => {
                failure.hint("download the service credentials again in the AEM Developer Console")
            }
            _ => failure,
        }
    }
}

/// Where what is missing can be given.
fn where_from(name: &str) -> String {
    let flag = match name {
        "client_secret" => "client-secret-file".to_owned(),
        "private_key" => "private-key-file".to_owned(),
        other => other.replace('_', "-"),
    };
    let variable = name.to_uppercase();
    format!("give `{name}` in a file (`--file`), as `COUNTERSIGN_{variable}`, or with `--{flag}`")
}
