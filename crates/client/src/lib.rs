//! Gets access tokens from any IMS, by either grant, and keeps them fresh.
//!
//! ```no_run
//! use countersign_client::{Draft, Http, HttpOptions, TokenSource};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let credential = Draft::from_environment(|name| std::env::var(name).ok())?.credential()?;
//! let http = Http::new(credential.client.ims.clone(), &HttpOptions::default())?;
//! let source = TokenSource::new(credential, http);
//!
//! let token = source.token().await?;
//! let header = format!("Bearer {}", token.expose());
//! # Ok(())
//! # }
//! ```
//!
//! What it promises (`spec/security.md` SUP-03): TLS certificates are verified, secrets go to the
//! configured origin only, redirects are not followed, answers are bounded, and no error or
//! `Debug` output holds a secret.

#![warn(missing_docs)]

pub mod cache;
pub mod clock;
pub mod credentials;
pub mod error;
pub mod http;
pub mod jwt;
pub mod management;
pub mod oauth;
pub mod origin;
mod public;
pub mod retry;
mod source;
pub mod token;
pub mod unreachable;

pub use cache::TokenFile;
pub use credentials::{Choice, Client, Credential, CredentialsError, Draft, Grant};
pub use error::{Error, Refusal};
pub use http::{Http, HttpOptions};
pub use management::Management;
pub use origin::Origin;
pub use retry::Retry;
pub use source::TokenSource;
pub use token::{AccessToken, Issued};
pub use unreachable::Unreachable;
