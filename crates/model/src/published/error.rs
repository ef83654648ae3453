//! Why a service cannot be published.

use countersign_wire::{Scope, ServiceCode};

/// Why a service cannot be published, and what to write instead.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PublishedError {
    /// Nobody could be subscribed to it.
    #[error("`service`: the catalogue has no `{0}`: `countersign admin services list` shows all")]
    NoService(ServiceCode),
    /// Not a host name.
    #[error("`hosts`: write host names in lower case, without a port: `{0}` is none")]
    Host(String),
    /// Nowhere to send calls to.
    #[error("`upstreams`: name at least one, as in `http://127.0.0.1:9000`")]
    NoUpstream,
    /// A time limit of nothing.
    #[error("`{0}`: write a number of milliseconds above 0")]
    NoTime(&'static str),
    /// Too many.
    #[error("`retries`: write a number from 0 to 5")]
    Retries,
    /// Tokens of no console would be taken.
    #[error("`accepts`: write `developer_console`, `aem_developer_console` or both")]
    AcceptsNobody,
    /// No token could have it.
    #[error("`scopes`: service `{1}` of the catalogue does not grant `{0}`, so no token has it")]
    Scope(Scope, ServiceCode),
    /// Not a header that can be demanded.
    #[error(
        "`required_headers`: `{0}` cannot be demanded: write the name of another header, in lower case, once"
    )]
    Header(String),
}
