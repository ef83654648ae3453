//! What an exchange asks: whether a brown-out refuses it. Everything is in memory: an immutable
//! table that is swapped whole, and for each brown-out the count of whom it refused.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use countersign_model::brownout::{Brownout, Phase};
use countersign_model::deprecation::Notice;
use countersign_store::changes::Topic;
use countersign_store::{self as store};
use countersign_wire::{BrownoutId, Caller, CredentialId, Timestamp};
use tokio::sync::Notify;
use tracing::{info, warn};

use super::save_end;
use super::tally::{Lot, News, Tally};
use crate::Authority;
use crate::actor::Actor;
use crate::directory::Client;
use crate::error::ManageError;

/// What ended lately stays in memory: the clock may be set back.
const LOOK_BACK: Duration = Duration::from_secs(3600);

/// Why an exchange is refused that would succeed at another time: what is told to the credential's
/// owner.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "brown-out `{name}` ({id}) refuses the JWT half until {until}: this was planned, so that whoever still uses it notices"
)]
pub struct BrownedOut {
    id: BrownoutId,
    name: String,
    /// When the window ends.
    pub until: Timestamp,
    /// How long that is; whole seconds, at least one.
    pub wait: Duration,
    /// What headers tell of the deprecation.
    pub notice: Option<Notice>,
    project: String,
}

impl BrownedOut {
    /// What the caller is told. It keeps to the characters of RFC 6749 section 5.2.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { project, until, .. } = self;
        format!(
            "The Service Account (JWT) half of this credential is browned out until {until}, as planned for project {project}, because it will be disabled. Request tokens at /ims/token/v3 with client_credentials instead."
        )
    }
}

/// All brown-outs that may refuse, now or later.
#[derive(Default)]
pub(crate) struct Brownouts {
    table: ArcSwap<Table>,
    /// Told when one caller too many came.
    full: Notify,
}

#[derive(Default)]
struct Table {
    all: HashMap<BrownoutId, Arc<Entry>>,
    of_credential: HashMap<CredentialId, Vec<Arc<Entry>>>,
}

struct Entry {
    brownout: Brownout,
    tally: Arc<Tally>,
}

impl Entry {
    fn draw(&self, client: &Client, caller: &Caller, now: Timestamp) -> Option<(Lot, Timestamp)> {
        let until = self.brownout.refuses_until(&client.credential, now)?;
        if self.tally.is_full() {
            return None;
        }
        if !self.brownout.share.takes(caller, self.tally.count()) {
            return None;
        }
        let (id, allowed) = (&client.credential.id, self.brownout.allowed);
        Some((self.tally.refuse(id, caller, allowed, now), until))
    }
}

impl Brownouts {
    /// Comes back when something should be written at once.
    pub(crate) async fn filled(&self) {
        self.full.notified().await;
    }

    fn draw(
        &self,
        client: &Client,
        caller: &Caller,
        now: Timestamp,
    ) -> Option<(Arc<Entry>, Timestamp)> {
        let table = self.table.load();
        for entry in table.of_credential.get(&client.credential.id)? {
            match entry.draw(client, caller, now) {
                Some((Lot::Refused, until)) => return Some((Arc::clone(entry), until)),
                Some((Lot::TooMany, _)) => self.full.notify_one(),
                Some((Lot::Passed, _)) | None => {}
            }
        }
        None
    }

    /// Puts what is stored in place of what is here, with the counts that are here. What is not
    /// stored any more goes, but not before it is written whom it refused.
    fn replace(
        &self,
        stored: Vec<Brownout>,
        mut failed: HashMap<BrownoutId, Vec<super::tally::Who>>,
    ) {
        let before = self.table.load_full();
        let mut table = Table::default();
        for brownout in stored {
            let known = before.all.get(&brownout.id);
            let tally = known.map_or_else(Arc::default, |entry| Arc::clone(&entry.tally));
            tally.learn(failed.remove(&brownout.id).unwrap_or_default());
            let entry = Arc::new(Entry { brownout, tally });
            for member in &entry.brownout.members {
                if member.left_at.is_none() {
                    let of = table.of_credential.entry(member.id.clone()).or_default();
                    of.push(Arc::clone(&entry));
                }
            }
            table.all.insert(entry.brownout.id.clone(), entry);
        }
        for (id, entry) in &before.all {
            if entry.tally.has_news() && !table.all.contains_key(id) {
                table.all.insert(id.clone(), Arc::clone(entry));
            }
        }
        self.table.store(Arc::new(table));
    }

    /// How many refuse at a moment.
    pub(crate) fn running(&self, now: Timestamp) -> usize {
        let table = self.table.load();
        let is_running = |entry: &&Arc<Entry>| {
            matches!(entry.brownout.phase(now), Phase::Running { .. }) && !entry.tally.is_full()
        };
        table.all.values().filter(is_running).count()
    }
}

impl Authority {
    /// Refuses an exchange that a brown-out takes, and notes whom. Waits for nothing.
    pub(crate) fn check_brownouts(
        &self,
        client: &Client,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<(), Box<BrownedOut>> {
        let Some((entry, until)) = self.brownouts.draw(client, caller, now) else {
            return Ok(());
        };
        let credential = &client.credential;
        self.activity.note_attempt(&credential.id, caller, now);
        self.counters.browned_out();
        let policies = self.policies.load();
        let dates = credential.dates(&policies.of(&credential.org_id));
        let wait = until.since(now).as_millis().div_ceil(1000).max(1);
        Err(Box::new(BrownedOut {
            id: entry.brownout.id.clone(),
            name: entry.brownout.name.clone(),
            until,
            wait: Duration::from_secs(u64::try_from(wait).unwrap_or(u64::MAX)),
            notice: dates.notice(credential.origin, credential.last_certificate_ends(), now),
            project: named(client),
        }))
    }

    /// Reads all brown-outs that are still to come or running.
    pub(crate) async fn load_brownouts(&self) -> Result<(), store::Error> {
        let _one_at_a_time = self.loading.lock().await;
        let since = self.clock.now().minus(LOOK_BACK);
        let mut read = self.store.read().await?;
        let stored = store::brownouts::scheduled(&mut read, since).await?;
        let ids: Vec<_> = stored.iter().map(|one| one.id.clone()).collect();
        let failed = store::brownouts::who_failed(&mut read, &ids).await?;
        drop(read);
        self.brownouts.replace(stored, failed);
        Ok(())
    }

    /// Writes whom brown-outs refused since the last time, and aborts those in which more callers
    /// failed, over all nodes, than may.
    pub(crate) async fn write_brownouts(&self) {
        let table = self.brownouts.table.load_full();
        let mut is_told = false;
        for entry in table.all.values() {
            let Some(news) = entry.tally.take() else {
                continue;
            };
            match self.save_refusals(&entry.brownout.id, &news).await {
                Ok(told) => is_told |= told,
                Err(error) => {
                    warn!(
                        "whom a brown-out refused could not be written, keeping it for later: {error}"
                    );
                    entry.tally.put_back(news);
                }
            }
        }
        if is_told {
            self.apply(&Topic::Brownouts).await;
        }
    }

    /// Gives whether other nodes must hear of it.
    async fn save_refusals(&self, id: &BrownoutId, news: &News) -> Result<bool, ManageError> {
        let now = self.clock.now();
        store::retry(|| async {
            let mut write = self.store.write().await?;
            // Before anything is counted: whoever adds at the same time waits here.
            store::brownouts::add_refusals(&mut write, id, &[]).await?;
            let known = store::brownouts::count_failed(&mut write, id).await?;
            store::brownouts::add_refusals(&mut write, id, &news.refusals).await?;
            let failed = store::brownouts::count_failed(&mut write, id).await?;
            let mut is_told = failed != known;
            let found = store::brownouts::find(&mut write, id).await?;
            if let Some(before) = found.filter(|one| news.is_full || failed > one.allowed) {
                let after = before.clone().abort(failed, now);
                if after != before {
                    let actor = Actor::schedule();
                    save_end(&mut write, (&before, &after), &actor, now).await?;
                    let (name, allowed) = (&after.name, after.allowed);
                    info!(brownout.id = %id, "brown-out `{name}` is aborted: {failed} callers failed, {allowed} may");
                    is_told = true;
                }
            }
            if is_told {
                store::changes::append(&mut write, &Topic::Brownouts, self.clock.now()).await?;
            }
            write.commit().await?;
            Ok::<_, ManageError>(is_told)
        })
        .await
    }
}

/// The project, in the characters that an error may have.
fn named(client: &Client) -> String {
    match client.project.name.is_ascii() {
        true => client.project.name.clone(),
        false => client.project.id.to_string(),
    }
}
