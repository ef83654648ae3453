//! What the product promised, and whether it kept it.

use std::fmt;

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::json;

use crate::chance::Chance;
use crate::support::installation::Installation;
use crate::support::server::{Caller, Server};

/// Writes that were answered.
#[derive(Default)]
pub struct Acknowledged(Vec<Write>);

/// A write, and what shows that it happened.
#[derive(Clone)]
pub enum Write {
    /// The token must not hold.
    Revoked { client: usize, token: String },
    /// The assertion must not be exchanged again.
    Exchanged { assertion: String },
    /// The secret must work.
    Added { client: usize, secret: String },
}

impl Acknowledged {
    pub fn push(&mut self, write: Write) {
        self.0.push(write);
    }

    pub fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// Some of them.
    pub fn sample(&self, size: usize, chance: &mut Chance) -> Self {
        let size = size.min(self.0.len());
        let pick = |_| self.0[usize::try_from(chance.below(self.0.len() as u64)).unwrap()].clone();
        Self((0..size).map(pick).collect())
    }

    /// Asks the server about every one of them.
    pub async fn check(&self, installation: &Installation, server: &Server) {
        let caller = server.caller();
        assert!(
            holds_otherwise(installation, &caller).await,
            "every token counts as revoked"
        );
        let asked = stream::iter(&self.0).map(|write| write.is_lost(installation, &caller));
        let lost: Vec<String> = asked
            .buffer_unordered(8)
            .filter_map(std::future::ready)
            .collect()
            .await;
        assert!(
            lost.is_empty(),
            "lost {} of {self}:\n{}",
            lost.len(),
            lost.join("\n")
        );
    }

    /// Whether there were enough writes of each kind for the checks to mean something.
    pub fn is_substantial(&self) -> bool {
        self.counts().iter().all(|count| *count >= 20)
    }

    fn counts(&self) -> [usize; 3] {
        let mut counts = [0; 3];
        for write in &self.0 {
            let kind = match write {
                Write::Revoked { .. } => 0,
                Write::Exchanged { .. } => 1,
                Write::Added { .. } => 2,
            };
            counts[kind] += 1;
        }
        counts
    }
}

impl fmt::Display for Acknowledged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [revoked, exchanged, added] = self.counts();
        write!(
            f,
            "{revoked} revocations, {exchanged} exchanges, {added} secrets"
        )
    }
}

impl Write {
    /// What the server says, if it does not show that the write happened.
    async fn is_lost(&self, installation: &Installation, caller: &Caller) -> Option<String> {
        let answer = match self {
            Self::Revoked { client, token } => {
                let form = installation.validation_form(*client, token);
                caller.post("/ims/validate_token/v1", &form).await
            }
            Self::Exchanged { assertion } => {
                caller
                    .post("/ims/exchange/jwt", &installation.exchange_form(assertion))
                    .await
            }
            Self::Added { client, secret } => {
                caller
                    .post("/ims/token/v3", &installation.token_form(*client, secret))
                    .await
            }
        };
        let (status, body) = answer.expect("the server answers");
        let kept = match self {
            Self::Revoked { .. } => body == json!({ "valid": false, "reason": "token_revoked" }),
            Self::Exchanged { .. } => status == 400 && body["error"] == "invalid_jti",
            Self::Added { .. } => status == 200,
        };
        (!kept).then(|| format!("{}: {status} {body}", self.name()))
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Revoked { .. } => "revocation",
            Self::Exchanged { .. } => "exchange",
            Self::Added { .. } => "secret",
        }
    }
}

/// Whether a token that nobody revoked holds: else the check of revocations would say nothing.
async fn holds_otherwise(installation: &Installation, caller: &Caller) -> bool {
    let form = installation.token_form(0, installation.secret(0));
    let (_, body) = caller.post("/ims/token/v3", &form).await.unwrap();
    let token = body["access_token"].as_str().unwrap();
    let form = installation.validation_form(0, token);
    let (_, body) = caller.post("/ims/validate_token/v1", &form).await.unwrap();
    body["valid"] == true
}
