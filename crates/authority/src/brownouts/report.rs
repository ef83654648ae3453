//! What came of a brown-out.

use countersign_model::brownout::{self, Brownout, Refused, Report};
use countersign_model::evidence::Seen;
use countersign_model::{Credential, UseCase};
use countersign_store::{self as store};
use countersign_wire::{BrownoutId, OrgId, Timestamp};

use crate::Authority;
use crate::activity::Grant;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::migration::is_of_jwt_half;

/// A brown-out with what came of it.
#[derive(Clone, Debug)]
pub struct BrownoutReport {
    /// It.
    pub brownout: Brownout,
    /// What came of it, for each of its credentials that is still there.
    pub credentials: Vec<CredentialReport>,
    /// The time by which this was written.
    pub now: Timestamp,
}

/// What came of a brown-out of one credential.
#[derive(Clone, Debug)]
pub struct CredentialReport {
    /// Which.
    pub credential: Credential,
    /// Who noticed, and who did not.
    pub report: Report,
}

impl BrownoutReport {
    /// How many callers failed, each counted once for each credential.
    #[must_use]
    pub fn failed(&self) -> usize {
        let noticed = self.credentials.iter().flat_map(|one| &one.report.noticed);
        noticed.filter(|one| one.refused.times > 0).count()
    }
}

impl Authority {
    /// A brown-out and who noticed it, as far as it is written: a second later.
    ///
    /// # Errors
    /// [`ManageError::NoBrownout`], [`ManageError::NoOrganization`].
    pub async fn show_brownout(
        &self,
        org: &OrgId,
        id: &BrownoutId,
        actor: &Actor,
    ) -> Result<BrownoutReport, ManageError> {
        actor.check(UseCase::ReadUsage, org, ManageError::NoOrganization)?;
        let mut read = self.store.read().await?;
        let found = store::brownouts::find(&mut read, id).await?;
        let found = found.filter(|one| one.org_id == *org);
        let brownout = found.ok_or(ManageError::NoBrownout)?;
        let refusals = store::brownouts::list_refusals(&mut read, id).await?;
        let ids: Vec<_> = brownout.members.iter().map(|one| one.id.clone()).collect();
        let found = store::credentials::of_ids(&mut read, &ids).await?;
        let mut callers = store::callers::list_all(&mut read, &ids).await?;
        let report = |credential: Credential| {
            let of = refusals
                .iter()
                .filter(|one| one.credential_id == credential.id);
            let refused: Vec<Refused> = of.map(|one| one.refused.clone()).collect();
            let grants = [Grant::JwtExchange, Grant::ClientCredentials];
            let seen = grants.into_iter().flat_map(|grant| {
                let seen = callers.remove(&(credential.id.clone(), grant));
                seen.into_iter().flatten().map(move |seen| (grant, seen))
            });
            let (old, new): (Vec<_>, Vec<_>) =
                seen.partition(|(grant, seen)| is_of_jwt_half(*grant, seen));
            CredentialReport {
                report: brownout::report(&refused, &seen_of(old), &seen_of(new)),
                credential,
            }
        };
        Ok(BrownoutReport {
            brownout,
            credentials: found.into_iter().map(report).collect(),
            now: self.clock.now(),
        })
    }
}

fn seen_of(half: Vec<(Grant, Seen)>) -> Vec<Seen> {
    half.into_iter().map(|(_, seen)| seen).collect()
}
