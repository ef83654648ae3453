//! Section `[gateway]`: a listener of its own, and the services that are published on it.

use std::fmt;
use std::net::SocketAddr;

use countersign_authority::{GatewayConfig, PublishError};
use countersign_model::{Catalogue, PublishedService};
use countersign_server::listen::Listener;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Error, IntoDeserializer as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::foreign_ims;

/// Settings of the gateway.
#[derive(Clone, Debug, Serialize)]
pub struct Gateway {
    /// Where and how it listens: the keys of `[server]`. Of its limits on requests, those of the
    /// head hold; bodies and times have limits of each service.
    #[serde(flatten)]
    pub listener: Listener,
    /// Memory for tokens that were verified, in mebibytes. Default 64.
    pub token_cache_mebibytes: u64,
    /// The IMS whose tokens are taken; our own, if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ims: Option<foreign_ims::Settings>,
    /// Services that are published, beside those in the database.
    pub services: Vec<PublishedService>,
    /// Whether the section says where to listen.
    #[serde(skip)]
    has_address: bool,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            listener: Listener {
                address: SocketAddr::from(([127, 0, 0, 1], 8081)),
                ..Listener::default()
            },
            token_cache_mebibytes: GatewayConfig::default().token_cache_mebibytes,
            ims: None,
            services: Vec::new(),
            has_address: false,
        }
    }
}

impl Gateway {
    /// Whether the configuration asks for a gateway, whatever the database publishes.
    #[must_use]
    pub fn is_asked_for(&self) -> bool {
        self.has_address || !self.services.is_empty()
    }

    /// What the listener speaks.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        match self.listener.tls {
            Some(_) => "https",
            None => "http",
        }
    }

    /// What calls are checked by.
    pub(super) fn checks(&self, catalogue: &Catalogue) -> Result<GatewayConfig, PublishError> {
        let mut checks = GatewayConfig::default();
        checks.token_cache_mebibytes = self.token_cache_mebibytes;
        checks.with_services(self.services.clone(), catalogue)
    }
}

/// The section holds the keys of a listener beside its own. `#[serde(flatten)]` would forget where
/// in the file a mistake is, and let misspelt keys pass.
impl<'de> Deserialize<'de> for Gateway {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Section)
    }
}

struct Section;

impl<'de> Visitor<'de> for Section {
    type Value = Gateway;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table of settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Gateway, A::Error> {
        let mut gateway = Gateway::default();
        let own = &mut gateway;
        let listener = MapAccessDeserializer::new(OwnKeysApart { map, own });
        let listener = Listener::deserialize(listener)?;
        let address = match gateway.has_address {
            true => listener.address,
            false => gateway.listener.address,
        };
        gateway.listener = Listener {
            address,
            ..listener
        };
        Ok(gateway)
    }
}

/// Takes the gateway's own keys out of a table and passes the others on.
struct OwnKeysApart<'c, A> {
    map: A,
    own: &'c mut Gateway,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for OwnKeysApart<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let mut seed = Some(seed);
        while let Some(key) = self.map.next_key_seed(Sort(&mut seed))? {
            match key {
                Key::Ims => self.own.ims = Some(self.map.next_value()?),
                Key::Services => self.own.services = self.map.next_value()?,
                Key::TokenCache => self.own.token_cache_mebibytes = self.map.next_value()?,
                Key::Address(key) => {
                    self.own.has_address = true;
                    return Ok(Some(key));
                }
                Key::Other(key) => return Ok(Some(key)),
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// Tells whose a key is. Whoever reads the others does it in here, so that a key that nobody knows
/// is complained about at its own place.
struct Sort<'s, K>(&'s mut Option<K>);

enum Key<V> {
    Ims,
    Services,
    TokenCache,
    Address(V),
    Other(V),
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for Sort<'_, K> {
    type Value = Key<K::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de, K: DeserializeSeed<'de>> Visitor<'de> for Sort<'_, K> {
    type Value = Key<K::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        match key {
            "ims" => return Ok(Key::Ims),
            "services" => return Ok(Key::Services),
            "token_cache_mebibytes" => return Ok(Key::TokenCache),
            _ => {}
        }
        let seed = self.0.take().ok_or_else(|| E::custom("a key too many"))?;
        let read = seed.deserialize(key.into_deserializer())?;
        Ok(match key {
            "address" => Key::Address(read),
            _ => Key::Other(read),
        })
    }
}
