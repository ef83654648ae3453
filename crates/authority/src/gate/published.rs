//! The services that are published now: an immutable table that is swapped whole.

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use countersign_model::CheckedService;
use countersign_wire::{CanonicalPath, PublishedName};

use super::Denied;
use super::limits::Shares;
use super::tokens::VerifiedToken;

/// A service that is published, with what is left of its limits.
pub struct Published {
    service: CheckedService,
    source: Source,
    shares: Arc<Shares>,
}

/// Where a service is described.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    Configuration,
    Store,
}

impl Published {
    /// The path that the upstream sees.
    #[must_use]
    pub fn upstream_path<'p>(&self, path: &'p CanonicalPath) -> &'p str {
        let stripped = match self.service.strip_prefix {
            true => path.without_prefix(&self.service.prefix),
            false => None,
        };
        stripped.unwrap_or(path.as_str())
    }

    /// Whether it is described in the configuration file, and not in the store.
    #[must_use]
    pub fn is_configured(&self) -> bool {
        self.source == Source::Configuration
    }

    pub(super) fn take_share(&self, token: &VerifiedToken) -> Result<(), Denied> {
        self.shares.take(token)
    }
}

impl Deref for Published {
    type Target = CheckedService;

    fn deref(&self) -> &CheckedService {
        &self.service
    }
}

impl fmt::Debug for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Published({})", self.service.name)
    }
}

/// All services that are published. Those that name the host of a call are asked before those that
/// name none; of several, the longest prefix wins.
#[derive(Debug, Default)]
pub struct PublishedTable {
    all: Vec<Arc<Published>>,
    of_host: HashMap<String, Vec<Arc<Published>>>,
    of_any_host: Vec<Arc<Published>>,
}

/// Two services that cannot both be published.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Clash {
    /// Of one name.
    #[error("there is another published service `{0}`: choose another name")]
    Name(PublishedName),
    /// At one place.
    #[error(
        "published services `{name}` and `{other}` are both found at {place}: change `hosts` or `prefix` of one"
    )]
    Place {
        /// The one.
        name: PublishedName,
        /// The other one.
        other: PublishedName,
        /// Host, if any, and prefix.
        place: String,
    },
}

impl PublishedTable {
    /// The service that a call is meant for. `host` is what the request names, with or without a
    /// port, in any case.
    #[must_use]
    pub fn find(&self, host: &str, path: &CanonicalPath) -> Option<&Arc<Published>> {
        let named = self.of_host(without_port(host));
        let all = named.iter().chain(&self.of_any_host);
        all.into_iter()
            .find(|service| path.starts_with_prefix(&service.prefix))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Published>> {
        self.all.iter()
    }

    fn of_host(&self, host: &str) -> &[Arc<Published>] {
        let found = if host.bytes().any(|b| b.is_ascii_uppercase()) {
            self.of_host.get(&host.to_ascii_lowercase())
        } else {
            self.of_host.get(host)
        };
        found.map_or(&[], Vec::as_slice)
    }

    pub(super) fn named(&self, name: &PublishedName) -> Option<&Arc<Published>> {
        let at = self.all.binary_search_by(|service| service.name.cmp(name));
        at.ok().and_then(|at| self.all.get(at))
    }

    /// A table of `services`; of those that clash, the earlier one stays. What did not change
    /// since `before` keeps what is left of its limits, and stays the same value.
    pub(crate) fn new(
        services: impl IntoIterator<Item = (Source, CheckedService)>,
        before: &Self,
    ) -> (Self, Vec<Clash>) {
        let (mut table, mut clashes) = (Self::default(), Vec::new());
        for (source, service) in services {
            match table.clash(&service) {
                Some(clash) => clashes.push(clash),
                None => table.insert(&continued(source, service, before)),
            }
        }
        (table, clashes)
    }

    fn insert(&mut self, service: &Arc<Published>) {
        let at = self.all.partition_point(|other| other.name < service.name);
        self.all.insert(at, Arc::clone(service));
        for host in &service.hosts {
            let of_host = self.of_host.entry(host.clone()).or_default();
            insert_by_length(of_host, service);
        }
        if service.hosts.is_empty() {
            insert_by_length(&mut self.of_any_host, service);
        }
    }

    /// What keeps `service` from being published beside the others.
    pub(crate) fn clash(&self, service: &CheckedService) -> Option<Clash> {
        if self.named(&service.name).is_some() {
            return Some(Clash::Name(service.name.clone()));
        }
        let taken = |others: &[Arc<Published>], host: Option<&String>| {
            let other = others.iter().find(|other| other.prefix == service.prefix)?;
            Some(Clash::Place {
                name: service.name.clone(),
                other: other.name.clone(),
                place: format!("{}{}", host.map_or("", |host| host), service.prefix),
            })
        };
        if service.hosts.is_empty() {
            return taken(&self.of_any_host, None);
        }
        let mut hosts = service.hosts.iter();
        hosts.find_map(|host| taken(self.of_host(host), Some(host)))
    }
}

fn insert_by_length(services: &mut Vec<Arc<Published>>, service: &Arc<Published>) {
    let longer = |other: &Arc<Published>| other.prefix.len() >= service.prefix.len();
    services.insert(services.partition_point(longer), Arc::clone(service));
}

fn continued(source: Source, service: CheckedService, before: &PublishedTable) -> Arc<Published> {
    let shares = match before.named(&service.name) {
        Some(same) if same.service == service && same.source == source => return Arc::clone(same),
        Some(former) if former.shares.limits == service.limits => Arc::clone(&former.shares),
        _ => Arc::new(Shares::new(service.limits)),
    };
    Arc::new(Published {
        service,
        source,
        shares,
    })
}

/// `[::1]:8080` and `api.example.com.:8080` without what does not name the host.
fn without_port(host: &str) -> &str {
    let end = match host.strip_prefix('[') {
        Some(rest) => rest.find(']').map(|at| at + 2),
        None => host.find(':'),
    };
    let name = end.and_then(|end| host.get(..end)).unwrap_or(host);
    name.strip_suffix('.').unwrap_or(name)
}
