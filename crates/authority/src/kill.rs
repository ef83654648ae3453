//! Ends tokens before their time, for whoever runs the installation: one token, or all that a
//! secret, a certificate, a key or a credential minted.

use countersign_model::{AuditEvent, Credential, UseCase};
use countersign_store::owners::Owner;
use countersign_store::revocations::{Revocation, Subject};
use countersign_store::{self as store, Write};
use countersign_wire::{CertificateId, CredentialId, KeyThumbprint, OrgId, SecretId, Timestamp};
use serde_json::json;

use crate::Authority;
use crate::actor::Actor;
use crate::config::LONGEST_TOKEN_LIFE;
use crate::error::ManageError;
use crate::revoke::{KEEP, revoke_in};
use crate::token::Minter;
use crate::validate::{InvalidToken, SignedToken};

/// Whose tokens end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TokensOf {
    /// A client secret; also one that was deleted.
    Secret(SecretId),
    /// A certificate; also one that was deleted.
    Certificate(CertificateId),
    /// A registered key.
    Key(KeyThumbprint),
    /// A credential, by either grant.
    Credential(CredentialId),
}

/// Whether tokens outlive what minted them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LivingTokens {
    /// They hold until they expire: what minted them was replaced in good order.
    #[default]
    Keep,
    /// They end with it: somebody else may have it.
    End,
}

/// Tokens that were ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndedTokens {
    /// Whose, in the words of tokens: `secret:..`; of a single token, its id.
    pub subject: String,
    /// Those that were minted up to here.
    pub minted_until: Timestamp,
}

impl LivingTokens {
    /// What revokes the tokens of something that is being deleted, if they end with it.
    pub(crate) fn revocation(self, of: &TokensOf, now: Timestamp) -> Option<Revocation> {
        (self == Self::End).then(|| revocation(of, Mints::NoMore, now))
    }
}

impl Authority {
    /// Ends all tokens that something minted up to now: at once here, within a second on other
    /// nodes. What is minted afterwards holds, unless what mints is gone: then nothing of it does.
    ///
    /// # Errors
    /// [`ManageError::NoSecret`] and the like for what never was.
    pub async fn end_tokens(
        &self,
        of: &TokensOf,
        actor: &Actor,
    ) -> Result<EndedTokens, ManageError> {
        let now = self.clock.now();
        let revocation = store::retry(|| async {
            let mut write = self.store.write().await?;
            let (credential, mints) = self.find_minter(&mut write, of, actor).await?;
            let revocation = revocation(of, mints, now);
            revoke_in(&mut write, &revocation, self.clock.now()).await?;
            let org = credential.as_ref().map(|credential| &credential.org_id);
            let event = event(org, &revocation, actor, now);
            let event = match &credential {
                Some(credential) => event.about(credential),
                None => event,
            };
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(revocation)
        })
        .await?;
        Ok(self.ended(revocation))
    }

    /// Ends one token. Its signature is verified first, so that an altered copy of a living token
    /// ends nothing.
    ///
    /// # Errors
    /// [`ManageError::NotOurToken`] with the reason.
    pub async fn end_token(&self, token: &str, actor: &Actor) -> Result<EndedTokens, ManageError> {
        let now = self.clock.now();
        let SignedToken {
            claims, expires_at, ..
        } = self
            .verify_to_revoke(token, now)
            .map_err(|error| ManageError::NotOurToken(error.to_string()))?;
        let malformed = || InvalidToken::Malformed("its id has another form".to_owned());
        let id = claims.id.parse();
        let id = id.map_err(|_| ManageError::NotOurToken(malformed().to_string()))?;
        let revocation = Revocation {
            subject: Subject::Token(id),
            revoked_at: now,
            expires_at: expires_at.plus(KEEP),
        };
        let org = OrgId::parse(&claims.org_id).ok();
        let foreign = || ManageError::NotOurToken("it is none of this organization".to_owned());
        match &org {
            Some(org) => actor.check(UseCase::EndTokens, org, foreign())?,
            None => actor.check_role(UseCase::RunInstallation)?,
        }
        store::retry(|| async {
            let mut write = self.store.write().await?;
            revoke_in(&mut write, &revocation, self.clock.now()).await?;
            let event = event(org.as_ref(), &revocation, actor, now);
            store::audit::append(&mut write, &event).await?;
            write.commit().await?;
            Ok::<_, ManageError>(())
        })
        .await?;
        Ok(self.ended(revocation))
    }

    /// Makes a revocation that is durable act on this node.
    pub(crate) fn ended(&self, revocation: Revocation) -> EndedTokens {
        let ended = EndedTokens {
            subject: name(&revocation.subject),
            minted_until: revocation.revoked_at,
        };
        self.revocations.insert(revocation);
        ended
    }

    async fn find_minter(
        &self,
        write: &mut Write,
        of: &TokensOf,
        actor: &Actor,
    ) -> Result<(Option<Credential>, Mints), ManageError> {
        let (owner, missing) = match of {
            TokensOf::Secret(id) => (
                store::owners::of_secret(write, id).await?,
                ManageError::NoSecret,
            ),
            TokensOf::Certificate(id) => {
                let owner = store::owners::of_certificate(write, id).await?;
                (owner, ManageError::NoCertificate)
            }
            TokensOf::Key(_) => {
                // A key can be registered in several organizations.
                actor.check_role(UseCase::RunInstallation)?;
                return Ok((None, Mints::On));
            }
            TokensOf::Credential(id) => {
                let credential = self
                    .endable(write, id, ManageError::NoCredential, actor)
                    .await?;
                return Ok((Some(credential), Mints::On));
            }
        };
        match owner {
            Owner::Credential(id, _) => {
                let credential = self.endable(write, &id, missing, actor).await?;
                Ok((Some(credential), Mints::On))
            }
            // Whose it was is not known any more.
            Owner::Deleted if actor.is_operator() => Ok((None, Mints::NoMore)),
            Owner::Deleted | Owner::Nobody => Err(missing),
        }
    }

    /// A credential whose tokens the actor may end.
    async fn endable(
        &self,
        write: &mut Write,
        id: &CredentialId,
        missing: ManageError,
        actor: &Actor,
    ) -> Result<Credential, ManageError> {
        let found = store::credentials::find(write, id).await?;
        let Some(credential) = found else {
            return Err(missing);
        };
        match actor.may_change(UseCase::EndTokens, &credential) {
            Err(ManageError::NoCredential) => Err(missing),
            checked => checked.map(|()| credential),
        }
    }
}

/// Whether what minted tokens still does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mints {
    On,
    NoMore,
}

/// The end of all tokens of something. What is gone has no good tokens, also none that a node
/// minted that had not heard of it yet: there the end lies ahead.
///
/// Kept for as long as any token may live, whatever the setting was when it was minted.
fn revocation(of: &TokensOf, mints: Mints, now: Timestamp) -> Revocation {
    match mints {
        Mints::On => revocation_at(of, now, now),
        Mints::NoMore => revocation_at(of, outlived(now), now),
    }
}

/// The end of all tokens of something that were minted up to a moment.
pub(crate) fn revocation_at(of: &TokensOf, revoked_at: Timestamp, now: Timestamp) -> Revocation {
    let subject = match of.clone() {
        TokensOf::Secret(id) => Minter::Secret(id).revocable(),
        TokensOf::Certificate(id) => Minter::Certificate(id).revocable(),
        TokensOf::Key(thumbprint) => Minter::Key(thumbprint).revocable(),
        TokensOf::Credential(id) => Subject::Credential(id),
    };
    Revocation {
        subject,
        revoked_at,
        expires_at: outlived(now),
    }
}

fn outlived(now: Timestamp) -> Timestamp {
    now.plus(LONGEST_TOKEN_LIFE).plus(KEEP)
}

fn event(
    org: Option<&OrgId>,
    revocation: &Revocation,
    actor: &Actor,
    now: Timestamp,
) -> AuditEvent {
    let detail = json!({"minted_until": revocation.revoked_at.to_string()});
    let subject = name(&revocation.subject);
    actor.event(now, org, "tokens.ended", &subject, &detail)
}

fn name(subject: &Subject) -> String {
    match subject {
        Subject::Token(id) => id.to_string(),
        Subject::Secret(id) => format!("secret:{id}"),
        Subject::Certificate(id) => format!("certificate:{id}"),
        Subject::Key(thumbprint) => format!("key:{thumbprint}"),
        Subject::Credential(id) => format!("credential:{id}"),
    }
}
