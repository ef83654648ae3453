//! The activity log is chained, so that a gap and a change by hand are seen
//! (`spec/security.md` ORG-10).
//!
//! Events are written without their place: were it given out then, all writers of an organization
//! would wait for one row. The node that does the background work seals them within seconds, in
//! the order of their ids: the digest of each covers its content and the digest before it, and the
//! head is under a key that is not in the database.

use std::collections::BTreeSet;

use aws_lc_rs::digest;
use countersign_model::{SigningAlgorithm, UseCase};
use countersign_store::audit::{Entry, Head, Link};
use countersign_store::{self as store, Reads, Write};
use countersign_wire::OrgId;
use serde::Serialize;
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::error::ManageError;
use crate::keyring::KeyringError;
use crate::lease::{Lease, WorkError};
use crate::master_key::Mark;

/// The chain of what concerns no organization.
const INSTALLATION: &str = "*";
/// Stands before the first link.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const BATCH: u32 = 200;
const MOST_BATCHES: u32 = 500;

/// What is known of one chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChainReport {
    /// An organization's id, or `*`.
    pub chain: String,
    /// How many links hold.
    pub links: u64,
    /// The first thing that is wrong, if anything is.
    pub problem: Option<String>,
}

/// What is known of the whole log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogReport {
    /// Every chain.
    pub chains: Vec<ChainReport>,
    /// Events that are in no chain yet: those of the last seconds, if a server runs.
    pub unsealed: u64,
}

/// A chain with what it takes to check it elsewhere.
#[derive(Debug)]
pub struct Export {
    /// One event per line, as JSON; `digest` is the SHA-256 of the line without it.
    pub lines: Vec<String>,
    /// The head, signed with the server's key: a JWS whose key is in the key set.
    pub proof: String,
}

/// What a digest covers, in this order.
#[derive(Serialize)]
struct Covered<'a> {
    chain: &'a str,
    sequence: i64,
    previous: &'a str,
    id: &'a str,
    at: i64,
    actor: &'a str,
    source: Option<&'a str>,
    action: &'a str,
    subject: &'a str,
    detail: &'a str,
}

impl Authority {
    /// Puts events that are in no chain yet into theirs.
    pub(crate) async fn seal_events(&self, lease: Lease) -> Result<(), WorkError> {
        for _ in 0..MOST_BATCHES {
            let sealed = store::retry(|| async {
                let mut write = self.store.write().await?;
                lease.hold(&mut write).await?;
                let sealed = self.seal_some(&mut write).await?;
                write.commit().await?;
                Ok::<_, WorkError>(sealed)
            })
            .await?;
            if sealed < BATCH as usize {
                break;
            }
        }
        Ok(())
    }

    async fn seal_some(&self, write: &mut Write) -> Result<usize, ManageError> {
        let entries = store::audit::unsealed(write, BATCH).await?;
        let chains: BTreeSet<String> = entries.iter().map(|e| chain_of(e).to_owned()).collect();
        for chain in chains {
            let head = store::audit::find_head(write, &chain).await?;
            let (mut sequence, mut digest) = match head {
                Some(head) => (head.sequence, head.digest),
                None => (0, NOTHING.to_owned()),
            };
            for entry in entries.iter().filter(|entry| chain_of(entry) == chain) {
                sequence += 1;
                digest = digest_of(&covered(&chain, sequence, &digest, entry))?;
                let link = Link {
                    entry: entry.clone(),
                    sequence,
                    digest: digest.clone(),
                };
                store::audit::seal(write, &chain, &link).await?;
            }
            let mac = self.head_mac(&chain, sequence, &digest);
            let head = Head {
                chain,
                sequence,
                digest,
                mac,
            };
            store::audit::put_head(write, &head).await?;
        }
        Ok(entries.len())
    }

    /// Checks every chain of the log from its first link to its head.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], [`ManageError::Store`].
    pub async fn verify_log(&self, actor: &Actor) -> Result<LogReport, ManageError> {
        actor.check_role(UseCase::RunInstallation)?;
        let mut read = self.store.read().await?;
        let heads = store::audit::list_heads(&mut read).await?;
        let mut names: BTreeSet<_> = heads.iter().map(|head| head.chain.clone()).collect();
        names.extend(store::audit::list_chains(&mut read).await?);
        let mut chains = Vec::new();
        for chain in names {
            let head = heads.iter().find(|head| head.chain == chain);
            chains.push(self.verify_chain(&mut read, chain, head).await?);
        }
        let unsealed = store::audit::count_unsealed(&mut read).await?;
        Ok(LogReport { chains, unsealed })
    }

    async fn verify_chain(
        &self,
        read: &mut impl Reads,
        chain: String,
        head: Option<&Head>,
    ) -> Result<ChainReport, ManageError> {
        let (mut sequence, mut digest) = (0, NOTHING.to_owned());
        let mut problem = None;
        'links: loop {
            let links = store::audit::links(read, &chain, sequence, BATCH).await?;
            for link in &links {
                problem = wrong_link(&chain, sequence, &digest, link)?;
                if problem.is_some() {
                    break 'links;
                }
                sequence = link.sequence;
                digest.clone_from(&link.digest);
            }
            if links.len() < BATCH as usize {
                break;
            }
        }
        let problem = problem.or_else(|| self.wrong_head(&chain, head, sequence, &digest));
        let links = u64::try_from(sequence).unwrap_or(0);
        Ok(ChainReport {
            chain,
            links,
            problem,
        })
    }

    fn wrong_head(
        &self,
        chain: &str,
        head: Option<&Head>,
        sequence: i64,
        digest: &str,
    ) -> Option<String> {
        let Some(head) = head else {
            return Some("the chain's head is missing: it was deleted by hand".to_owned());
        };
        if head.mac != self.head_mac(chain, head.sequence, &head.digest) {
            return Some("the chain's head was changed by hand: its seal does not hold".to_owned());
        }
        if head.sequence != sequence {
            let (first, last) = (sequence + 1, head.sequence);
            return Some(format!(
                "events {first} to {last}, the last ones, are missing: they were deleted by hand"
            ));
        }
        (head.digest != digest).then(|| format!("event {sequence}, the last one, is another one"))
    }

    fn head_mac(&self, chain: &str, sequence: i64, digest: &str) -> String {
        let text = format!("{chain} {sequence} {digest}");
        self.master_key.mark(Mark::ChainHead, &text)
    }

    /// The chain of an organization, or of the installation, with a signature over its head.
    /// What happened in the last seconds may not be in it yet.
    ///
    /// # Errors
    /// [`ManageError::NoOrganization`]; [`ManageError::LogBroken`] when it does not hold.
    pub async fn export_log(
        &self,
        org: Option<&OrgId>,
        actor: &Actor,
    ) -> Result<Export, ManageError> {
        match org {
            Some(org) => actor.check(UseCase::ReadActivity, org, ManageError::NoOrganization)?,
            None => actor.check_role(UseCase::RunInstallation)?,
        }
        let chain = org.map_or(INSTALLATION, OrgId::as_str);
        let mut read = self.store.read().await?;
        let head = store::audit::find_head(&mut read, chain).await?;
        if let Some(head) = &head {
            let report = self.verify_chain(&mut read, chain.to_owned(), Some(head));
            if let Some(problem) = report.await?.problem {
                return Err(ManageError::LogBroken(problem));
            }
        }
        let (mut lines, mut sequence, mut previous) = (Vec::new(), 0, NOTHING.to_owned());
        loop {
            let links = store::audit::links(&mut read, chain, sequence, BATCH).await?;
            for link in &links {
                sequence = link.sequence;
                lines.push(line(
                    &covered(chain, sequence, &previous, &link.entry),
                    &link.digest,
                )?);
                previous.clone_from(&link.digest);
            }
            if links.len() < BATCH as usize {
                break;
            }
        }
        drop(read);
        let head = json!({
            "iss": self.config.issuer, "iat": self.clock.now().as_seconds(),
            "chain": chain, "sequence": sequence, "digest": previous,
        });
        let proof = self.sign_proof("countersign-audit+jwt", &head)?;
        Ok(Export { lines, proof })
    }

    /// Signs something for people outside. Its `typ` makes it no token of any kind.
    pub(crate) fn sign_proof(
        &self,
        typ: &str,
        head: &serde_json::Value,
    ) -> Result<String, ManageError> {
        let keyring = self.keyring.load();
        let key = keyring.active(SigningAlgorithm::Rs256);
        let key = key.ok_or(KeyringError::NoActiveKey)?;
        Ok(key.sign_document(typ, head.to_string().as_bytes())?)
    }
}

fn chain_of(entry: &Entry) -> &str {
    entry
        .event
        .org_id
        .as_ref()
        .map_or(INSTALLATION, OrgId::as_str)
}

fn covered<'a>(chain: &'a str, sequence: i64, previous: &'a str, entry: &'a Entry) -> Covered<'a> {
    let event = &entry.event;
    Covered {
        chain,
        sequence,
        previous,
        id: &entry.id,
        at: event.at.as_millis(),
        actor: &event.actor,
        source: event.source.as_deref(),
        action: &event.action,
        subject: &event.subject,
        detail: &event.detail,
    }
}

fn digest_of(covered: &Covered<'_>) -> Result<String, ManageError> {
    let text = serde_json::to_vec(covered).map_err(|_| ManageError::Hash)?;
    let digest = digest::digest(&digest::SHA256, &text);
    Ok(digest.as_ref().iter().map(|b| format!("{b:02x}")).collect())
}

fn line(covered: &Covered<'_>, digest: &str) -> Result<String, ManageError> {
    let text = serde_json::to_string(covered).map_err(|_| ManageError::Hash)?;
    let open = text.strip_suffix('}').unwrap_or(&text);
    Ok(format!("{open},\"digest\":\"{digest}\"}}"))
}

/// What is wrong with the link behind `sequence`.
fn wrong_link(
    chain: &str,
    sequence: i64,
    previous: &str,
    link: &Link,
) -> Result<Option<String>, ManageError> {
    let (id, action) = (&link.entry.id, &link.entry.event.action);
    let expected = sequence + 1;
    if link.sequence != expected {
        return Ok(Some(match link.sequence - expected {
            1 => format!("event {expected} is missing: it was deleted by hand"),
            _ => format!(
                "events {expected} to {} are missing: they were deleted by hand",
                link.sequence - 1
            ),
        }));
    }
    let digest = digest_of(&covered(chain, expected, previous, &link.entry))?;
    let is_moved = chain_of(&link.entry) != chain;
    Ok((is_moved || digest != link.digest).then(|| {
        format!("event {expected} ({action}, {id}) was changed by hand: its digest does not hold")
    }))
}
