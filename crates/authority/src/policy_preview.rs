//! Whom the dates of a policy would hit: asked before it is saved.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use countersign_model::{DeprecationPolicy, Owner, PolicyDate};
use countersign_store::jwt_credentials::{self, JwtCredential, Which};
use countersign_store::{self as store, Page};
use countersign_wire::{OrgId, Timestamp};

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::policies::{Policies, PolicyChange, may_change};

/// Over how many days uses are counted.
const DAYS: u64 = 30;
/// Most credentials and owners that are named for one date: those that are used most. All are
/// counted.
pub const MOST_NAMED: usize = 200;

/// What a change of a policy would do.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The dates that would hold.
    pub policy: DeprecationPolicy,
    /// Each date that would be set, in their order.
    pub dates: Vec<Foreseen>,
}

/// What one date would do.
#[derive(Clone, Debug)]
pub struct Foreseen {
    /// Which.
    pub date: PolicyDate,
    /// When.
    pub at: Timestamp,
    /// When it is now, if at all.
    pub before: Option<Timestamp>,
    /// How many credentials it would take something from.
    pub credentials: usize,
    /// How many it would, were they not exempt until later.
    pub exempt: usize,
    /// What those that it hits are used for, together.
    pub use_of_all: DailyUse,
    /// Those that it hits, most used first.
    pub hit: Vec<JwtCredential>,
    /// Their owners, those first whose credentials are used most.
    pub owners: Vec<OwnerHit>,
}

/// Uses of JWT halves on a day, in the mean of the last thirty.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct DailyUse {
    /// Assertions that are exchanged.
    pub exchanges: f64,
    /// Calls at the gateway with tokens of these.
    pub calls: f64,
}

/// A team whose credentials a date would hit.
#[derive(Clone, Debug)]
pub struct OwnerHit {
    /// It.
    pub owner: Owner,
    /// How many of its credentials.
    pub credentials: usize,
    /// What they are used for.
    pub used: DailyUse,
}

impl DailyUse {
    fn of(credential: &JwtCredential) -> Self {
        let daily = |uses: u64| uses as f64 / DAYS as f64;
        Self {
            exchanges: daily(credential.exchanges),
            calls: daily(credential.calls),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            exchanges: self.exchanges + other.exchanges,
            calls: self.calls + other.calls,
        }
    }
}

impl Authority {
    /// What a change of the installation's policy, or of an organization's, would do, by what was
    /// used on the last thirty days. Organizations with dates of their own are not asked about
    /// those of the installation.
    ///
    /// # Errors
    /// [`ManageError::Policy`] when the dates are out of order, [`ManageError::NoOrganization`].
    pub async fn preview_policy(
        &self,
        org: Option<&OrgId>,
        change: PolicyChange,
        actor: &Actor,
    ) -> Result<Preview, ManageError> {
        may_change(org, actor)?;
        let mut read = self.store.read().await?;
        if let Some(org) = org {
            let found = store::organizations::find(&mut read, org).await?;
            found.ok_or(ManageError::NoOrganization)?;
        }
        let policies = Policies::new(store::policies::list(&mut read).await?);
        let before = org.map_or_else(|| policies.installation(), |org| policies.of(org));
        let policy = change.over(before).checked()?;
        let own: HashSet<&OrgId> = match org {
            Some(_) => HashSet::new(),
            None => policies.organizations().map(|(org, _)| org).collect(),
        };
        let mut dates = foreseen(&policy, &before);
        let since = self.clock.now().minus(Duration::from_secs(DAYS * 86_400));
        let which = org.map_or(Which::All, Which::Of);
        let mut page = Page::first();
        loop {
            let some = jwt_credentials::list(&mut read, which, since, &page).await?;
            let concerned = some
                .iter()
                .filter(|one| one.migration.uses_jwt_half() && !own.contains(&one.org_id));
            for credential in concerned {
                dates
                    .iter_mut()
                    .for_each(|date| date.see(credential, &policy));
            }
            match some.last() {
                Some(last) if some.len() == Page::MAX as usize => {
                    page.after = Some(last.id.to_string());
                }
                _ => break,
            }
        }
        let dates = dates.into_iter().map(Seen::told).collect();
        Ok(Preview { policy, dates })
    }
}

fn foreseen(policy: &DeprecationPolicy, before: &DeprecationPolicy) -> Vec<Seen> {
    let of = |date: PolicyDate| {
        Some(Seen {
            owners: HashMap::new(),
            told: Foreseen {
                date,
                at: date.of(policy)?,
                before: date.of(before),
                credentials: 0,
                exempt: 0,
                use_of_all: DailyUse::default(),
                hit: Vec::new(),
                owners: Vec::new(),
            },
        })
    };
    PolicyDate::ALL.into_iter().filter_map(of).collect()
}

/// What was seen so far of what a date would do.
struct Seen {
    told: Foreseen,
    owners: HashMap<(String, String), OwnerHit>,
}

impl Seen {
    fn see(&mut self, credential: &JwtCredential, policy: &DeprecationPolicy) {
        let Foreseen { date, at, .. } = self.told;
        let is_hit = policy.hits(date, credential.last_certificate_ends);
        if !credential.origin.is_under_policy() || !is_hit {
            return;
        }
        // Whatever an exemption moves, it moves behind the date.
        let exemption = credential.exemption.as_ref();
        let own = exemption.map_or(*policy, |exemption| policy.not_before(exemption.until));
        if date.of(&own) != Some(at) {
            self.told.exempt += 1;
            return;
        }
        let used = DailyUse::of(credential);
        self.told.credentials += 1;
        self.told.use_of_all = self.told.use_of_all.and(used);
        let owner = &credential.owner;
        let of_owner = self
            .owners
            .entry((owner.team.clone(), owner.contact.clone()))
            .or_insert_with(|| OwnerHit {
                owner: owner.clone(),
                credentials: 0,
                used: DailyUse::default(),
            });
        of_owner.credentials += 1;
        of_owner.used = of_owner.used.and(used);
        self.told.hit.push(credential.clone());
        if self.told.hit.len() >= MOST_NAMED * 2 {
            self.told.keep_most_used();
        }
    }

    fn told(mut self) -> Foreseen {
        self.told.keep_most_used();
        let mut owners: Vec<OwnerHit> = self.owners.into_values().collect();
        owners.sort_by(|a, b| {
            let by_use = b.used.exchanges.total_cmp(&a.used.exchanges);
            by_use
                .then(b.credentials.cmp(&a.credentials))
                .then_with(|| a.owner.team.cmp(&b.owner.team))
        });
        owners.truncate(MOST_NAMED);
        self.told.owners = owners;
        self.told
    }
}

impl Foreseen {
    fn keep_most_used(&mut self) {
        self.hit.sort_by(|a, b| {
            let by_use = (b.exchanges, b.calls).cmp(&(a.exchanges, a.calls));
            by_use.then_with(|| a.id.as_str().cmp(b.id.as_str()))
        });
        self.hit.truncate(MOST_NAMED);
    }
}
