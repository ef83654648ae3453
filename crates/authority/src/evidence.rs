//! Evidence of use, as it is written and read.

use std::time::Duration;

use countersign_model::evidence::{Seen, Sketch};
use countersign_store::callers::{Finding, Sketched};
use countersign_store::daily_usage::Day;
use countersign_store::service_calls::Count;
use countersign_store::{self as store, Reads, Write};
use countersign_wire::{CredentialId, ServiceCode};
use tracing::warn;

use crate::Authority;
use crate::activity::{Evidence, Grant, day_of};
use crate::actor::Actor;
use crate::credentials::may_read_usage;
use crate::error::ManageError;

/// How often it is written: at most ten seconds late, a slow database included, and seldom enough
/// that a busy client costs a few rows in that time and not one for each token.
pub(crate) const WRITE_EVERY: Duration = Duration::from_secs(5);
/// Credentials of one transaction: it is over before others notice that they wait for it.
const AT_ONCE: usize = 50;

/// How many days the series of a credential reaches back: a quarter, and then some.
pub const DAYS_SHOWN: u32 = 92;
/// Days are kept a little longer than they are shown: clocks that jump ahead come back.
pub(crate) const KEEP_DAYS: Duration = Duration::from_secs(100 * 86_400);

/// Who calls with one half of a credential.
#[derive(Clone, Debug)]
pub struct Callers {
    /// Which half.
    pub grant: Grant,
    /// The service that was called; `None` is the token endpoint.
    pub service: Option<ServiceCode>,
    /// Everybody, the last one first.
    pub seen: Vec<Seen>,
}

impl Authority {
    /// Who calls with a credential, as far as it is written: the token endpoint, for each grant
    /// that was used, then services behind the gateway with the tokens.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn list_callers(
        &self,
        id: &CredentialId,
        actor: &Actor,
    ) -> Result<Vec<Callers>, ManageError> {
        let mut read = self.store.read().await?;
        may_read_usage(&mut read, id, actor).await?;
        Ok(callers_of(&mut read, id).await?)
    }

    /// Tokens and calls of a credential on each of the last [`DAYS_SHOWN`] days that had any, as
    /// far as they are written.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn list_days(
        &self,
        id: &CredentialId,
        actor: &Actor,
    ) -> Result<Vec<Day>, ManageError> {
        let mut read = self.store.read().await?;
        may_read_usage(&mut read, id, actor).await?;
        let shown = Duration::from_secs(u64::from(DAYS_SHOWN - 1) * 86_400);
        let since = day_of(self.clock.now().minus(shown));
        Ok(store::daily_usage::list(&mut read, id, since).await?)
    }

    /// What somebody should look at.
    ///
    /// # Errors
    /// [`ManageError::Store`].
    pub async fn list_findings(
        &self,
        id: &CredentialId,
        actor: &Actor,
    ) -> Result<Vec<Finding>, ManageError> {
        let mut read = self.store.read().await?;
        may_read_usage(&mut read, id, actor).await?;
        Ok(store::callers::findings(&mut read, id).await?)
    }

    /// Writes what was collected since the last time; what cannot be written waits.
    pub(crate) async fn write_evidence(&self) {
        let mut waiting = self.activity.take();
        while !waiting.is_empty() {
            let batch = waiting.split_off(waiting.len().saturating_sub(AT_ONCE));
            if let Err(error) = self.save_evidence(&batch).await {
                warn!("evidence of use could not be written, keeping it for later: {error}");
                self.activity.put_back(batch);
                self.activity.put_back(waiting);
                return;
            }
        }
    }

    async fn save_evidence(&self, batch: &[(CredentialId, Evidence)]) -> Result<(), store::Error> {
        store::retry(|| async {
            let mut write = self.store.write().await?;
            save(&mut write, batch).await?;
            write.commit().await
        })
        .await
    }
}

/// Who calls with a credential.
pub(crate) async fn callers_of(
    read: &mut impl Reads,
    id: &CredentialId,
) -> Result<Vec<Callers>, store::Error> {
    let mut all = Vec::new();
    for grant in [Grant::ClientCredentials, Grant::JwtExchange] {
        let seen = store::callers::list(read, id, grant).await?;
        let service = None;
        all.push(Callers {
            grant,
            service,
            seen,
        });
    }
    for (calls, _) in store::service_calls::of_credential(read, id).await? {
        all.push(Callers {
            grant: calls.grant,
            seen: store::service_calls::list(read, &calls).await?,
            service: Some(calls.service),
        });
    }
    all.retain(|callers| !callers.seen.is_empty());
    Ok(all)
}

async fn save(write: &mut Write, batch: &[(CredentialId, Evidence)]) -> Result<(), store::Error> {
    let uses: Vec<_> = batch
        .iter()
        .flat_map(|(_, evidence)| evidence.uses.clone())
        .collect();
    // The row of each grant is among these: nodes that add callers to it wait for each other here.
    store::usage::add(write, &uses).await?;
    let days = || batch.iter().flat_map(|(_, evidence)| &evidence.days);
    store::daily_usage::add(write, &days().cloned().collect::<Vec<_>>()).await?;
    // Its days are sorted: the last one is the latest.
    let latest: Vec<_> = batch
        .iter()
        .filter_map(|(credential, evidence)| {
            let day = evidence.days.last()?;
            Some((credential.clone(), day.day_at))
        })
        .collect();
    store::projects::note_activity(write, &latest).await?;
    let ids: Vec<_> = batch
        .iter()
        .map(|(credential, _)| credential.clone())
        .collect();
    let mut stored = store::callers::list_all(write, &ids).await?;
    let mut sketched = Vec::new();
    for (credential, evidence) in batch {
        for (grant, news) in &evidence.callers {
            let half = (credential.clone(), *grant);
            let before = stored.remove(&half).unwrap_or_default();
            sketched.push(Sketched {
                after: joined(&before, news).seen().to_vec(),
                credential_id: half.0,
                grant: half.1,
                before,
            });
        }
        if let Some(found) = &evidence.finding {
            store::callers::add_finding(write, credential, found).await?;
        }
    }
    store::callers::save(write, &sketched).await?;
    for (_, evidence) in batch {
        save_calls(write, evidence).await?;
    }
    for (credential, evidence) in batch {
        save_attempts(write, credential, &evidence.attempts).await?;
    }
    Ok(())
}

async fn save_attempts(
    write: &mut Write,
    credential: &CredentialId,
    news: &Sketch,
) -> Result<(), store::Error> {
    let Some(count) = count(news) else {
        return Ok(());
    };
    store::attempts::add(write, credential, &count).await?;
    let before = store::attempts::list(write, credential).await?;
    let after = joined(&before, news);
    store::attempts::save(write, credential, &before, after.seen()).await
}

async fn save_calls(write: &mut Write, evidence: &Evidence) -> Result<(), store::Error> {
    for (calls, news) in &evidence.calls {
        let Some(count) = count(news) else { continue };
        store::service_calls::add(write, calls, &count).await?;
        let before = store::service_calls::list(write, calls).await?;
        let after = joined(&before, news);
        store::service_calls::save(write, calls, &before, after.seen()).await?;
    }
    Ok(())
}

fn joined(before: &[Seen], news: &Sketch) -> Sketch {
    let mut sketch = Sketch::of(before);
    for seen in news.seen() {
        sketch.add(seen);
    }
    sketch
}

/// All of a sketch together; nothing where nobody was seen.
fn count(sketch: &Sketch) -> Option<Count> {
    let seen = || sketch.seen().iter();
    Some(Count {
        first_at: seen().map(|seen| seen.first_at).min()?,
        last_at: seen().map(|seen| seen.last_at).max()?,
        uses: seen().fold(0, |sum, seen| sum.saturating_add(seen.uses)),
    })
}
