//! Migrations in trouble: JWT halves in quarantine that somebody still needs, and migrations that do
//! not get on while their end comes near. Who needs a half is what its review says.

use countersign_model::notice::{self, Attempts, Ending, Window};
use countersign_model::review::Verdict;
use countersign_model::{Credential, Grants, Migration};
use countersign_store::endings;
use countersign_store::{self as store, Page, Read, credentials};
use countersign_wire::CredentialId;

use super::find::{AT_ONCE, Alerts, Look};
use super::measure;
use crate::error::ManageError;
use crate::lease::WorkError;

/// How many migrations are in trouble.
#[derive(Default)]
pub(super) struct Trouble {
    tried: u64,
    blocked: u64,
}

impl Trouble {
    pub(super) fn measure(&self) {
        measure::trouble(self.tried, self.blocked);
    }
}

impl Look<'_> {
    /// Tells of what is in trouble, and counts it.
    pub(super) async fn at_migrations(&self) -> Result<Trouble, WorkError> {
        let mut all = Trouble::default();
        let mut page = Page::first();
        loop {
            let mut read = self.authority.store.read().await?;
            let ids = endings::migrating(&mut read, &page).await?;
            drop(read);
            let Some(last) = ids.last() else {
                return Ok(all);
            };
            page.after = Some(last.to_string());
            for ids in ids.chunks(AT_ONCE) {
                self.at_some_migrations(ids, &mut all).await?;
            }
        }
    }

    async fn at_some_migrations(
        &self,
        ids: &[CredentialId],
        all: &mut Trouble,
    ) -> Result<(), WorkError> {
        let mut read = self.authority.store.read().await?;
        let mut told = Vec::new();
        let found = credentials::of_ids(&mut read, ids).await?;
        let alerts = Alerts::of(&mut read, &found).await?;
        for credential in &found {
            let (org, alerts) = (&credential.org_id, alerts.about(credential));
            if !self.administrators.contains_key(org) {
                continue;
            }
            if let Some((ending, window)) = self.tried(&mut read, credential).await? {
                all.tried += 1;
                told.extend(self.tell_in(window, org, &ending, Some((credential, alerts))));
            }
            if let Some((ending, window)) = self.blocked(&mut read, credential).await? {
                all.blocked += 1;
                told.extend(self.tell_in(window, org, &ending, Some((credential, alerts))));
            }
        }
        drop(read);
        self.save(&told).await
    }

    /// A half in quarantine that was tried by somebody who may try again.
    async fn tried(
        &self,
        read: &mut Read,
        credential: &Credential,
    ) -> Result<Option<(Ending, Window)>, ManageError> {
        let Grants::Jwt(Migration::Disabled { at, until, .. }) = credential.grants else {
            return Ok(None);
        };
        let Some(window) = Window::since(at, until, self.now) else {
            return Ok(None);
        };
        let Some(ending) = attempts_of(read, credential).await? else {
            return Ok(None);
        };
        let known = self.authority.known_of(read, credential, self.now).await?;
        let is_over = known.review(self.now).verdict == Verdict::Safe;
        Ok((!is_over).then_some((ending, window)))
    }

    /// A half that works and ends soon, although somebody needs it.
    async fn blocked(
        &self,
        read: &mut Read,
        credential: &Credential,
    ) -> Result<Option<(Ending, Window)>, ManageError> {
        let policy = self.policies.of(&credential.org_id);
        let Some(end) = notice::drags_on(credential, &policy, self.now) else {
            return Ok(None);
        };
        let known = self.authority.known_of(read, credential, self.now).await?;
        let ending = notice::migration_blocked(credential, end, &known.review(self.now));
        Ok(ending.zip(Window::at(end, self.now)))
    }
}

/// What is told of the attempts on a half in quarantine, if there were any.
pub(crate) async fn attempts_of(
    read: &mut Read,
    credential: &Credential,
) -> Result<Option<Ending>, ManageError> {
    let id = std::slice::from_ref(&credential.id);
    let mut counts = store::attempts::of_credentials(read, id).await?;
    let Some(count) = counts.remove(&credential.id) else {
        return Ok(None);
    };
    let seen = store::attempts::list(read, &credential.id).await?;
    let last = seen.first().and_then(|seen| seen.trace.as_ref());
    let attempts = Attempts {
        times: count.uses,
        last_at: count.last_at,
        by: last.map(|trace| &trace.caller),
    };
    Ok(notice::attempts_refused(credential, &attempts))
}
