//! Keys of another IMS: fetched when a token names them, kept as long as was said, within bounds.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use countersign_jose::{JwkSet, VerifyingKey};
use countersign_wire::Timestamp;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::Mutex;
use tracing::warn;

use super::{ForeignIms, KeyName, VerifyBy};

/// A key, and until when it is believed without asking again.
pub(super) type Found = (VerifyingKey, Timestamp);

pub(super) struct Keys {
    ims: Arc<dyn ForeignIms>,
    by: VerifyBy,
    /// Replaced whole: nobody waits who knows his key.
    known: ArcSwap<Vec<Key>>,
    /// One fetches, the others wait for it.
    fetching: Mutex<()>,
    /// Names are the caller's to make up: they must not make us ask for each.
    unknown_names: DefaultDirectRateLimiter,
}

#[derive(Clone)]
struct Key {
    /// `kid`, or the certificate's file.
    name: String,
    key: VerifyingKey,
    until: Timestamp,
}

impl Keys {
    pub(super) fn new(ims: Arc<dyn ForeignIms>, by: VerifyBy) -> Self {
        Self {
            ims,
            by,
            known: ArcSwap::default(),
            fetching: Mutex::new(()),
            unknown_names: RateLimiter::direct(Quota::per_minute(UNKNOWN_NAMES)),
        }
    }

    /// The key of a token; nothing where that IMS has none of that name.
    pub(super) async fn find(
        &self,
        name: &KeyName<'_>,
        now: Timestamp,
    ) -> Result<Option<Found>, String> {
        let name = match self.by {
            VerifyBy::Certificates => name.file(),
            VerifyBy::KeySet | VerifyBy::Call => name.kid(),
        };
        let Some(name) = name else { return Ok(None) };
        if let Some(found) = self.fresh(name, now) {
            return Ok(Some(found));
        }
        let _turn = self.fetching.lock().await;
        if let Some(found) = self.fresh(name, now) {
            return Ok(Some(found));
        }
        let before = self.known(name);
        if before.is_none() && self.unknown_names.check().is_err() {
            return Err("too many tokens name keys that nobody knows: asking later".to_owned());
        }
        match self.fetch(name, now).await {
            Ok(()) => Ok(self.fresh(name, now)),
            // A key that was good is good for a while longer when nobody can be asked.
            Err(why) => match before {
                Some((key, until)) if now < until.plus(LONGER_ON_ERROR) => {
                    warn!("keys of the other IMS cannot be fetched, using those known: {why}");
                    Ok(Some((key, now.plus(SHORTEST))))
                }
                _ => Err(why),
            },
        }
    }

    fn known(&self, name: &str) -> Option<Found> {
        let known = self.known.load();
        let found = known.iter().find(|key| key.name == name);
        found.map(|key| (key.key.clone(), key.until))
    }

    fn fresh(&self, name: &str, now: Timestamp) -> Option<Found> {
        self.known(name).filter(|(_, until)| now < *until)
    }

    async fn fetch(&self, name: &str, now: Timestamp) -> Result<(), String> {
        let keys = match self.by {
            VerifyBy::Certificates => self.with_certificate(name, now).await?,
            VerifyBy::KeySet | VerifyBy::Call => self.key_set(now).await?,
        };
        self.known.store(Arc::new(keys));
        Ok(())
    }

    /// All keys at once: one that is no longer in the set is no longer believed.
    async fn key_set(&self, now: Timestamp) -> Result<Vec<Key>, String> {
        let fetched = self.ims.key_set().await?;
        let set = JwkSet::parse(fetched.body.as_bytes()).map_err(|error| error.to_string())?;
        let until = now.plus(bounded(fetched.max_age));
        let named = set.candidates().into_iter();
        let key = |(name, key): (&str, &VerifyingKey)| Key {
            name: name.to_owned(),
            key: key.clone(),
            until,
        };
        Ok(named.filter_map(|c| Some(key((c.kid?, c.key)))).collect())
    }

    /// Those that are known, with the certificate of that name as it is now.
    async fn with_certificate(&self, file: &str, now: Timestamp) -> Result<Vec<Key>, String> {
        let fetched = self.ims.certificate(file).await?;
        let known = self.known.load();
        let others = known.iter().filter(|key| key.name != file);
        let mut keys: Vec<Key> = others.cloned().collect();
        let Some(fetched) = fetched else {
            return Ok(keys);
        };
        if keys.len() >= MOST_CERTIFICATES {
            keys.remove(0);
        }
        keys.push(Key {
            name: file.to_owned(),
            key: VerifyingKey::from_pem(&fetched.body).map_err(|error| error.to_string())?,
            until: now.plus(bounded(fetched.max_age)),
        });
        Ok(keys)
    }
}

fn bounded(max_age: Option<Duration>) -> Duration {
    max_age.unwrap_or(USUAL).clamp(SHORTEST, LONGEST)
}

/// Nobody is asked more often, whatever he says.
const SHORTEST: Duration = Duration::from_secs(60);
const USUAL: Duration = Duration::from_secs(600);
/// A key that was taken out is believed no longer than this.
const LONGEST: Duration = Duration::from_secs(6 * 3600);
const LONGER_ON_ERROR: Duration = Duration::from_secs(3600);
const MOST_CERTIFICATES: usize = 64;
const UNKNOWN_NAMES: NonZeroU32 = match NonZeroU32::new(10) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};
