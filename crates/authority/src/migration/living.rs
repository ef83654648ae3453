//! Until when tokens of a JWT half live.

use countersign_model::{Credential, DeprecationPolicy};
use countersign_store::revocations::Subject;
use countersign_store::usage::{Usage, UsageSubject};
use countersign_store::{self as store, Reads};
use countersign_wire::{CertificateId, Timestamp};

use crate::Authority;
use crate::activity::Grant;
use crate::error::ManageError;

impl Authority {
    /// Until when tokens of the JWT half of a credential may live, as far as its use is written;
    /// `None` where none does at `now`. They end with the certificate they rest on and on the last
    /// date, and those that were ended before their time count no more. `dates` are those that hold
    /// for the credential.
    pub(super) async fn tokens_live_until(
        &self,
        read: &mut impl Reads,
        credential: &Credential,
        dates: &DeprecationPolicy,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, ManageError> {
        let usage = store::usage::list(read, &credential.id).await?;
        let last_exchange = dates.final_on;
        let by_certificates = usage.iter().filter_map(|used| {
            let UsageSubject::Certificate(id) = &used.subject else {
                return None;
            };
            let held = credential.certificates.iter().find(|one| one.id == *id);
            let last_date = last_exchange.filter(|_| used.grant == Grant::JwtExchange);
            let ends = [held.map(|one| one.not_after), last_date];
            let ends = ends.into_iter().flatten().min();
            let is_ended = self.is_ended(credential, id, used.last_used_at);
            (!is_ended).then(|| self.live_until(used.last_used_at, ends))
        });
        let by_hand = made_by_hand(&usage).map(|at| {
            let ends = [credential.last_certificate_ends(), last_exchange];
            self.live_until(at, ends.into_iter().flatten().min())
        });
        let until = by_certificates.chain(by_hand).max();
        Ok(until.filter(|until| now < *until))
    }

    fn live_until(&self, last_used_at: Timestamp, ends: Option<Timestamp>) -> Timestamp {
        let until = last_used_at.plus(self.config.token_life());
        ends.map_or(until, |ends| ends.min(until))
    }

    /// Whether all tokens that a certificate minted up to `at` were ended.
    fn is_ended(&self, credential: &Credential, id: &CertificateId, at: Timestamp) -> bool {
        let subjects = [
            Subject::Certificate(id.clone()),
            Subject::Credential(credential.id.clone()),
        ];
        subjects
            .iter()
            .any(|subject| self.revocations.covers(subject, at))
    }
}

/// When a person last exchanged an assertion after all programs: of these only the grant is noted.
fn made_by_hand(usage: &[Usage]) -> Option<Timestamp> {
    let exchanges = || usage.iter().filter(|used| used.grant == Grant::JwtExchange);
    let of_grant = exchanges().filter(|used| used.subject == UsageSubject::Grant);
    let others = exchanges().filter(|used| used.subject != UsageSubject::Grant);
    let last = of_grant.map(|used| used.last_used_at).max()?;
    let by_programs = others.map(|used| used.last_used_at).max();
    by_programs.is_none_or(|at| at < last).then_some(last)
}
