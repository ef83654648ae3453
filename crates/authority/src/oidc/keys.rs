//! Keys of a provider: fetched when a token names one, kept as long as was said, within bounds.

use std::sync::Arc;
use std::time::Duration;

use countersign_jose::JwkSet;
use countersign_wire::Timestamp;
use tokio::sync::Mutex;

use super::ProviderHttp;

#[derive(Default)]
pub(super) struct Keys(Mutex<Option<Known>>);

struct Known {
    set: Arc<JwkSet>,
    fetched_at: Timestamp,
    until: Timestamp,
}

impl Keys {
    /// The keys to verify a token with that names `kid`. One that is not there is asked for again,
    /// because providers change keys; not more often than [`NOT_BEFORE`].
    pub(super) async fn find(
        &self,
        http: &dyn ProviderHttp,
        url: &str,
        kid: Option<&str>,
        now: Timestamp,
    ) -> Result<Arc<JwkSet>, String> {
        let mut known = self.0.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.serves(kid, now)) {
            return Ok(Arc::clone(&known.set));
        }
        let fetched = http.get(url).await?;
        let set = JwkSet::parse(fetched.body.as_bytes()).map_err(|error| error.to_string())?;
        let set = Arc::new(set);
        *known = Some(Known {
            set: Arc::clone(&set),
            fetched_at: now,
            until: now.plus(kept_for(fetched.max_age)),
        });
        Ok(set)
    }
}

impl Known {
    fn serves(&self, kid: Option<&str>, now: Timestamp) -> bool {
        let has_it = kid.is_none_or(|kid| self.set.find(kid).is_some());
        now < self.until && (has_it || now < self.fetched_at.plus(NOT_BEFORE))
    }
}

/// How long a document of a provider is kept, whatever it says.
pub(super) fn kept_for(max_age: Option<Duration>) -> Duration {
    max_age.unwrap_or(USUAL).clamp(SHORTEST, LONGEST)
}

const NOT_BEFORE: Duration = Duration::from_secs(30);
const USUAL: Duration = Duration::from_secs(600);
const SHORTEST: Duration = Duration::from_secs(60);
/// A key that was taken out is believed no longer than this.
const LONGEST: Duration = Duration::from_secs(3600);
