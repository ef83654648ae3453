//! The grant itself: asks for a token, and when the answer is no, finds out what it was about.

use countersign_client::credentials::{Credential, Draft};
use countersign_client::{Error, Http, Issued, Refusal, TokenSource};
use countersign_wire::credential_file::GrantName;
use countersign_wire::{Metascope, Scope, ScopeSet};

use super::explain::explain;
use super::report::Report;
use crate::commands::credential::CredentialArgs;
use crate::outcome::Failure;

/// Requests at most, so that looking for the scope does not run into the server's limit.
const MOST_REQUESTS: usize = 30;

pub async fn examine(http: &Http, args: &CredentialArgs, draft: &Draft, report: &mut Report) {
    match ask(http, args, draft).await {
        Ok(issued) => {
            let until = issued.token.expires_at();
            report.ok("token", format!("issued, valid until {until}"));
        }
        Err(Ended::Refused(refusal)) => {
            refused(&refusal, draft, report);
            if refusal.code == "invalid_scope" {
                find_scope(http, args, draft, report).await;
            }
        }
        Err(Ended::Failed(failure)) => report.failure("token", &failure),
    }
}

enum Ended {
    Refused(Refusal),
    Failed(Failure),
}

async fn ask(http: &Http, args: &CredentialArgs, draft: &Draft) -> Result<Issued, Ended> {
    let mut credential: Credential = draft
        .credential()
        .map_err(|error| Ended::Failed(error.into()))?;
    args.adjust(&mut credential.client.grant);
    let source = TokenSource::new(credential, http.clone());
    source.ask().await.map_err(|error| match error {
        Error::Refused(refusal) => Ended::Refused(refusal),
        other => Ended::Failed(other.into()),
    })
}

fn refused(refusal: &Refusal, draft: &Draft, report: &mut Report) {
    let explained = explain(refusal, draft);
    let mut what = refusal.to_string();
    if let Some(id) = &refusal.debug_id {
        what.push_str(&format!(" (debug id `{id}`)"));
    }
    report.wrong(explained.check, what, explained.why, explained.next);
}

/// Asks with each scope alone: the answer to all of them does not say which one it is about.
async fn find_scope(http: &Http, args: &CredentialArgs, draft: &Draft, report: &mut Report) {
    let alone = one_by_one(draft);
    if alone.len() < 2 {
        return;
    }
    let mut granted = 0;
    for (name, draft) in alone.iter().take(MOST_REQUESTS) {
        match ask(http, args, draft).await {
            Ok(_) => granted += 1,
            Err(Ended::Refused(refusal)) if refusal.code == "invalid_scope" => report.wrong(
                "scope",
                format!("`{name}` is not granted"),
                "the credential does not hold it, or it does not exist",
                "add the service it belongs to, assign the product profile, or do not ask for it",
            ),
            Err(Ended::Refused(refusal)) => return refused(&refusal, draft, report),
            Err(Ended::Failed(failure)) => return report.failure("scope", &failure),
        }
    }
    report.ok(
        "scope",
        format!(
            "{granted} of {} are granted when asked for alone",
            alone.len()
        ),
    );
    if alone.len() > MOST_REQUESTS {
        let left = alone.len() - MOST_REQUESTS;
        report.warning(
            "scope",
            format!("{left} scopes were not asked for"),
            format!("doctor sends at most {MOST_REQUESTS} requests"),
            "run it again with the rest of the scopes",
        );
    }
}

fn one_by_one(draft: &Draft) -> Vec<(String, Draft)> {
    let with_scope = |scope: &Scope| Draft {
        scopes: Some(ScopeSet::from_iter([scope.clone()])),
        ..draft.clone()
    };
    let with_metascope = |one: &Metascope| Draft {
        metascopes: Some(vec![one.clone()]),
        ..draft.clone()
    };
    match draft.grant_name() {
        GrantName::ClientCredentials => draft
            .scopes
            .iter()
            .flat_map(ScopeSet::iter)
            .map(|scope| (scope.to_string(), with_scope(scope)))
            .collect(),
        GrantName::Jwt => draft
            .metascopes
            .iter()
            .flatten()
            .map(|one| (one.to_string(), with_metascope(one)))
            .collect(),
    }
}
