//! The commands and where each one lives.

use clap::{Parser, Subcommand};

use crate::commands::remote::{
    self, certificates, credentials, members, migrate, notices, policy, projects, secrets,
};
use crate::commands::{admin, completions, doctor, man, token};
use crate::outcome::{Exit, Failure};
use crate::serve;

/// Self-hosted identity platform for server-to-server clients, compatible with Adobe IMS
#[derive(Debug, Parser)]
#[command(name = "countersign", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(Box<serve::Args>),
    /// Look after an installation: organizations, credentials, keys, policy
    Admin(Box<admin::Args>),
    /// Look after projects at a running server
    Projects(Box<remote::Args<projects::Verb>>),
    /// Look after credentials at a running server
    Credentials(Box<remote::Args<credentials::Verb>>),
    /// Look after client secrets at a running server
    Secrets(Box<remote::Args<secrets::Verb>>),
    /// Look after certificates of Service Account (JWT) credentials at a running server
    Certificates(Box<remote::Args<certificates::Verb>>),
    /// Look after the members of an organization at a running server
    Members(Box<remote::Args<members::Verb>>),
    /// See what people were told of what ends, and who cannot be told, at a running server
    Notices(Box<remote::Args<notices::Verb>>),
    /// Look after the dates of the deprecation of JWT at a running server
    Policy(Box<remote::Args<policy::Verb>>),
    /// Move Service Account (JWT) credentials to OAuth Server-to-Server at a running server
    Migrate(Box<remote::Args<migrate::Verb>>),
    /// Get an access token from any IMS and print it
    Token(Box<token::Args>),
    /// Say what is wrong with a set-up
    Doctor(Box<doctor::Args>),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Print a manual page
    Man(man::Args),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// [`Failure`] says what to tell the user.
    pub fn run(self) -> Result<Exit, Failure> {
        match self {
            Self::Serve(args) => serve::run(&args),
            Self::Admin(args) => admin::run(&args),
            Self::Projects(args) => remote::run(&args),
            Self::Credentials(args) => remote::run(&args),
            Self::Secrets(args) => remote::run(&args),
            Self::Certificates(args) => remote::run(&args),
            Self::Members(args) => remote::run(&args),
            Self::Notices(args) => remote::run(&args),
            Self::Policy(args) => remote::run(&args),
            Self::Migrate(args) => remote::run(&args),
            Self::Token(args) => token::run(&args),
            Self::Doctor(args) => doctor::run(&args),
            Self::Completions(args) => completions::run(&args),
            Self::Man(args) => man::run(&args),
        }
    }
}
