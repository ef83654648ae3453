//! What a credential proves itself with, secrets and certificates: what can be done with both.

use countersign_client::management::Verb as Http;
use serde_json::{Value, json};

use super::shown::Shown;
use super::{Session, credentials};
use crate::outcome::Failure;

/// How one of them is taken away.
#[derive(Debug, clap::Args)]
pub struct Removal {
    /// Also the last one that works
    #[arg(long)]
    force: bool,
    /// End every token that it was used for, too: somebody else may have it
    #[arg(long)]
    also_end_tokens: bool,
}

/// Those of one kind that a credential has.
pub(super) struct Proofs<'s> {
    session: &'s Session,
    credential: String,
    kind: &'static str,
}

impl<'s> Proofs<'s> {
    /// `kind` is the segment of the path; the credential is named by id or client id.
    pub(super) async fn of(
        session: &'s Session,
        credential: &str,
        kind: &'static str,
    ) -> Result<Self, Failure> {
        Ok(Self {
            credential: credentials::find(session, credential).await?,
            session,
            kind,
        })
    }

    /// All of them, with their last uses.
    pub(super) async fn list(&self, columns: &'static [&'static str]) -> Result<Shown, Failure> {
        let call = self.session.within(Http::Get, &self.at()).await?;
        let listed = self.session.send(call).await?.body["items"].take();
        let items = match listed {
            Value::Array(items) => items,
            _ => Vec::new(),
        };
        Ok(Shown::List(columns, items))
    }

    /// One more; the answer shows once what is shown once.
    pub(super) async fn add(&self, new: Value) -> Result<Value, Failure> {
        let call = self.session.within(Http::Post, &self.at()).await?;
        Ok(self.session.send(call.body(new)).await?.body)
    }

    /// One less, from what is there now: if somebody else is faster, nothing is deleted.
    pub(super) async fn remove(&self, id: &str, removal: &Removal) -> Result<Shown, Failure> {
        let call = self.session.within(Http::Get, &self.at()).await?;
        let seen = self.session.send(call).await?;
        let at = ["credentials", &self.credential, self.kind, id];
        let call = self.session.within(Http::Delete, &at).await?;
        let call = call
            .with("force", removal.force.then_some(true))
            .with("also_end_tokens", removal.also_end_tokens.then_some(true))
            .made_from(seen.revision);
        self.session.send(call).await?;
        Ok(Shown::Item(&[], json!({"deleted": id})))
    }

    /// The end of every token that one of them was used for.
    pub(super) async fn end_tokens(&self, id: &str) -> Result<Shown, Failure> {
        let at = ["credentials", &self.credential, self.kind, id, "tokens"];
        let call = self.session.within(Http::Delete, &at).await?;
        Ok(Shown::Item(&[], self.session.send(call).await?.body))
    }

    fn at(&self) -> [&str; 3] {
        ["credentials", &self.credential, self.kind]
    }
}
