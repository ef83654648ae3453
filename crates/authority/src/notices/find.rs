//! Finds what is due and makes messages of it: the work of one node for all. Whatever it finds has
//! a key that is unique for ever, so that a look which is repeated finds nothing twice.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use countersign_model::notice::{self, Ending, Window};
use countersign_model::{Credential, DeprecationPolicy, ProjectAlerts, SignInName};
use countersign_store::endings::{self, Part};
use countersign_store::messages::{self, Address, Channel};
use countersign_store::notices::Notice;
use countersign_store::{
    self as store, Page, Read, credentials, members, organizations, project_alerts,
};
use countersign_wire::{CredentialId, OrgId, ProjectId, Timestamp};

use super::{Channels, MOST_NOTICES, about};
use crate::Authority;
use crate::lease::{Lease, WorkError};
use crate::policies::Policies;

/// Credentials that are looked at at once.
pub(super) const AT_ONCE: usize = 100;
/// Addresses whose messages are made in one transaction.
const ADDRESSES_AT_ONCE: u32 = 100;

impl Authority {
    /// Finds what is due, now and then, and makes messages of it; measures what ends soon.
    pub(crate) async fn find_notices(&self, lease: Lease, now: Timestamp) -> Result<(), WorkError> {
        if self.notices.is_time(now) {
            self.measure_endings(now).await?;
            let look = Look::begin(self, lease, now).await?;
            look.at_migrations().await?.measure();
            if self.notices.carrier.is_some() {
                look.at_dates().await?;
                look.at_ends(Part::Certificates).await?;
                look.at_ends(Part::Secrets).await?;
                self.bundle_notices(lease, now).await?;
            }
            self.notices.looked(now);
        }
        self.measure_unsent(now).await
    }

    /// One message to each recipient: all that came up for him in this organization.
    async fn bundle_notices(&self, lease: Lease, now: Timestamp) -> Result<(), WorkError> {
        loop {
            let made = store::retry(|| async {
                let mut write = self.store.write().await?;
                lease.hold(&mut write).await?;
                let found = store::notices::unbundled(&mut write, ADDRESSES_AT_ONCE).await?;
                for to in &found {
                    // A program is told everything, in portions; people read no further anyway.
                    let most = match to.channel {
                        Channel::Mail => u32::MAX,
                        Channel::Webhook => MOST_NOTICES,
                    };
                    let id = messages::insert(&mut write, to, now).await?;
                    store::notices::bundle(&mut write, &id, to, most).await?;
                }
                write.commit().await?;
                Ok::<_, WorkError>(found.len())
            })
            .await?;
            if made == 0 {
                return Ok(());
            }
        }
    }
}

/// One look at everything that ends.
pub(super) struct Look<'a> {
    pub(super) authority: &'a Authority,
    channels: &'a Channels,
    lease: Lease,
    pub(super) now: Timestamp,
    pub(super) policies: Arc<Policies>,
    /// Who administers each organization that works.
    pub(super) administrators: HashMap<OrgId, Vec<SignInName>>,
}

impl<'a> Look<'a> {
    async fn begin(
        authority: &'a Authority,
        lease: Lease,
        now: Timestamp,
    ) -> Result<Self, WorkError> {
        let mut administrators = HashMap::new();
        let mut page = Page::first();
        let mut read = authority.store.read().await?;
        loop {
            let listed = organizations::list(&mut read, &page).await?;
            let Some(last) = listed.last() else { break };
            page.after = Some(last.id.to_string());
            for org in listed.into_iter().filter(|org| org.state.is_enabled()) {
                let names = members::administrators(&mut read, &org.id).await?;
                administrators.insert(org.id, names);
            }
        }
        drop(read);
        Ok(Self {
            authority,
            channels: &authority.notices.channels,
            lease,
            now,
            policies: authority.policies.load_full(),
            administrators,
        })
    }

    /// The dates of policies, and what they end.
    async fn at_dates(&self) -> Result<(), WorkError> {
        for org in self.administrators.keys() {
            let policy = self.policies.of(org);
            let dates = notice::policy_endings(&policy);
            let told = dates.iter().flat_map(|date| self.tell(org, date, None));
            self.save(&told.collect::<Vec<_>>()).await?;
            if ends_something(&policy, self.now) {
                self.at_jwt_halves(org).await?;
            }
        }
        Ok(())
    }

    async fn at_jwt_halves(&self, org: &OrgId) -> Result<(), WorkError> {
        let mut page = Page::first();
        loop {
            let mut read = self.authority.store.read().await?;
            let ids = endings::with_jwt_half(&mut read, org, &page).await?;
            drop(read);
            let Some(last) = ids.last() else {
                return Ok(());
            };
            page.after = Some(last.to_string());
            self.at_credentials(&ids).await?;
        }
    }

    /// Certificates or secrets, by their ends.
    async fn at_ends(&self, part: Part) -> Result<(), WorkError> {
        let span = notice::noticed_ends(self.now);
        let mut after = None;
        loop {
            let mut read = self.authority.store.read().await?;
            let found = endings::list(&mut read, part, span, after.as_ref()).await?;
            drop(read);
            let Some(last) = found.last() else {
                return Ok(());
            };
            after = Some(last.clone());
            let mut ids: Vec<_> = found.into_iter().map(|end| end.credential_id).collect();
            ids.sort_unstable();
            ids.dedup();
            self.at_credentials(&ids).await?;
        }
    }

    async fn at_credentials(&self, ids: &[CredentialId]) -> Result<(), WorkError> {
        for ids in ids.chunks(AT_ONCE) {
            let mut read = self.authority.store.read().await?;
            let found = credentials::of_ids(&mut read, ids).await?;
            let alerts = Alerts::of(&mut read, &found).await?;
            drop(read);
            let told = found
                .iter()
                .flat_map(|credential| self.of_credential(credential, alerts.about(credential)));
            self.save(&told.collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    fn of_credential(&self, credential: &Credential, alerts: &ProjectAlerts) -> Vec<Notice> {
        if !credential.state.is_enabled() {
            return Vec::new();
        }
        let policy = self.policies.of(&credential.org_id);
        let endings = notice::endings(credential, &policy);
        let told = endings
            .iter()
            .flat_map(|ending| self.tell(&credential.org_id, ending, Some((credential, alerts))));
        told.collect()
    }

    /// What is told of an end now, to everybody who is told.
    fn tell(&self, org: &OrgId, ending: &Ending, of: Concerned<'_>) -> Vec<Notice> {
        match Window::at(ending.at, self.now) {
            Some(window) => self.tell_in(window, org, ending, of),
            None => Vec::new(),
        }
    }

    pub(super) fn tell_in(
        &self,
        window: Window,
        org: &OrgId,
        ending: &Ending,
        of: Concerned<'_>,
    ) -> Vec<Notice> {
        let Some(administrators) = self.administrators.get(org) else {
            return Vec::new();
        };
        if of.is_some_and(|(_, alerts)| alerts.paused_at.is_some()) {
            return Vec::new();
        }
        let nobody = BTreeSet::new();
        let owner = of.map(|(credential, _)| &credential.owner);
        let others = of.map_or(&nobody, |(_, alerts)| &alerts.others);
        let mail = notice::recipients(owner, others, administrators, window);
        let mail = mail.into_iter().filter(|_| self.channels.mail);
        let hooks = self
            .channels
            .webhooks
            .iter()
            .filter(|hook| hook.is_told_of(org));
        let hooks = hooks.map(|hook| (Channel::Webhook, hook.name.clone()));
        let key = notice::key(org, ending, window);
        mail.map(|address| (Channel::Mail, address))
            .chain(hooks)
            .map(|(channel, recipient)| Notice {
                key: key.clone(),
                address: Address {
                    org_id: org.clone(),
                    channel,
                    recipient,
                },
                kind: ending.kind,
                subject: ending.subject.clone(),
                name: ending.name.clone(),
                ends_at: ending.at,
                days_before: window.days_before(),
                credential: of.map(|(credential, _)| about(credential)),
            })
            .collect()
    }

    pub(super) async fn save(&self, told: &[Notice]) -> Result<(), WorkError> {
        if told.is_empty() {
            return Ok(());
        }
        store::retry(|| async {
            let mut write = self.authority.store.write().await?;
            self.lease.hold(&mut write).await?;
            store::notices::insert(&mut write, told, self.now).await?;
            write.commit().await?;
            Ok::<_, WorkError>(())
        })
        .await
    }
}

/// The credential that an end is of, if it is of one, and who else is told of it.
pub(super) type Concerned<'a> = Option<(&'a Credential, &'a ProjectAlerts)>;

/// Who else is told of the things of some credentials, and whether anybody is.
pub(super) struct Alerts {
    set: HashMap<ProjectId, ProjectAlerts>,
    unset: ProjectAlerts,
}

impl Alerts {
    pub(super) async fn of(
        read: &mut Read,
        credentials: &[Credential],
    ) -> Result<Self, store::Error> {
        let projects: Vec<_> = credentials
            .iter()
            .map(|one| one.project_id.clone())
            .collect();
        Ok(Self {
            set: project_alerts::of_projects(read, &projects).await?,
            unset: ProjectAlerts::default(),
        })
    }

    pub(super) fn about(&self, credential: &Credential) -> &ProjectAlerts {
        self.set.get(&credential.project_id).unwrap_or(&self.unset)
    }
}

impl super::Webhook {
    fn is_told_of(&self, org: &OrgId) -> bool {
        self.organizations.is_empty() || self.organizations.contains(org)
    }
}

/// Whether one of the dates that end JWT halves is near or over: then every one is looked at,
/// whatever its certificates say. Who is exempt ends later, and is found here, too.
fn ends_something(policy: &DeprecationPolicy, now: Timestamp) -> bool {
    let (_, behind) = notice::noticed_ends(now);
    let dates = [policy.end_of_life_on, policy.final_on];
    dates.into_iter().flatten().any(|date| date < behind)
}
