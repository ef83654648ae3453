//! Why a configuration is not taken.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use countersign_authority::PublishError;
use countersign_model::product::CatalogueError;
use countersign_server::gateway::ConnectionsError;
use countersign_server::listen::BindError;
use countersign_wire::PublishedName;

/// Why there is no configuration: which key, where, and what to write instead.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that was named cannot be read.
    #[error("cannot read the {what} `{}`: {error}", .path.display())]
    File {
        /// What it is.
        what: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A key or value is wrong.
    #[error("{place}: {message}")]
    Setting {
        /// File, line and column, or the variable or flag.
        place: String,
        /// What is wrong, and the right names.
        message: String,
    },
    /// The issuer cannot be guessed.
    #[error(
        "`ims.issuer` is not set, and {0} can be reached under many names: write the origin that \
         clients use, such as `https://ims.example.com`"
    )]
    NoIssuer(SocketAddr),
    /// A setting of `[ims]`.
    #[error(transparent)]
    Ims(#[from] countersign_authority::ConfigError),
    /// A service of `[gateway]`.
    #[error("`gateway.services`: {0}")]
    Gateway(#[from] PublishError),
    /// The IMS whose tokens the gateway takes.
    #[error("`gateway.ims`: {0}")]
    ForeignIms(String),
    /// A provider that people sign in at.
    #[error("`console.oidc.{id}`: {why}")]
    Provider {
        /// Which one.
        id: String,
        /// What is wrong, with the key.
        why: String,
    },
    /// The gateway's listener.
    #[error("`gateway`: {0}")]
    GatewayListener(#[source] BindError),
    /// What a service needs to reach its upstreams.
    #[error("published service `{service}`: {error}")]
    Upstreams {
        /// Its name.
        service: PublishedName,
        /// What is wrong.
        error: ConnectionsError,
    },
    /// Whom notices go to.
    #[error("`notifications`: {0}")]
    Notifications(String),
    /// The sample API verifies nothing.
    #[error(
        "`sample_api.address` is {0}, which other machines can reach: the sample API believes \
         whoever calls, so write a loopback address such as `127.0.0.1:0`"
    )]
    SampleApi(SocketAddr),
    /// A setting of `[server]`.
    #[error(transparent)]
    Server(#[from] BindError),
    /// The data folder has a name that no URL can hold.
    #[error("`data` is not usable: `{}` cannot be made an absolute path", .0.display())]
    Data(PathBuf),
    /// The filter of the log.
    #[error("`log.filter` is not usable: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The catalogue.
    #[error("{}: {error}", .path.display())]
    Catalogue {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: CatalogueError,
    },
}
