//! The exchange of an assertion. Source: `spec/ims-protocol.md` 1.2, 1.3 and section 3.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use countersign_jose::{Algorithm, Header, SignError, SigningKey};
use countersign_wire::claims::AssertionClaims;
use countersign_wire::exchange::ExchangeReply;
use countersign_wire::{
    ClientId, ClientSecret, Metascope, Opaque, OrgId, TechnicalAccountId, Timestamp,
};

use crate::error::{Error, Malformed};
use crate::http::Http;
use crate::origin::Origin;
use crate::token::{AccessToken, Issued};

/// Where assertions are exchanged.
pub const PATH: &str = "/ims/exchange/jwt";

/// How long an assertion lives where nobody says otherwise: what the original's own libraries take.
pub const DEFAULT_LIFE: Duration = Duration::from_mins(5);

/// Signs assertions for one technical account.
#[derive(Debug)]
pub struct Signer {
    /// The organization: `iss`.
    pub org_id: OrgId,
    /// The technical account: `sub`.
    pub technical_account_id: TechnicalAccountId,
    /// What is asked for.
    pub metascopes: Vec<Metascope>,
    /// What `aud` and the metascope claims start with. Usually the origin that is called; another
    /// one where the server is reached under a name that is not its own.
    pub audience_origin: Origin,
    /// How long an assertion lives.
    pub life: Duration,
    /// Whether assertions can be told apart.
    pub jti: Jti,
    pub(crate) key: SigningKey,
}

/// Whether an assertion has a `jti`, which an organization may demand.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Jti {
    /// No `jti`; the original does not want one.
    #[default]
    Absent,
    /// A decimal number that grows with time, the form that old bindings demand.
    Growing,
}

impl Signer {
    /// Makes an assertion for `client_id`, valid from `now`.
    ///
    /// # Errors
    /// [`SignError`], if the cryptography library cannot.
    pub fn sign(&self, client_id: &ClientId, now: Timestamp) -> Result<Opaque, SignError> {
        let claims = AssertionClaims {
            exp: now.plus(self.life).as_seconds(),
            iss: self.org_id.clone(),
            sub: self.technical_account_id.clone(),
            origin: self.audience_origin.to_string(),
            client_id: client_id.clone(),
            metascopes: self.metascopes.clone(),
            jti: match self.jti {
                Jti::Absent => None,
                Jti::Growing => Some(growing(now)),
            },
        };
        let payload = serde_json::to_vec(&claims).map_err(|_| SignError)?;
        let header = Header::jwt(Algorithm::Rs256).to_json();
        self.key.sign_compact(&header, &payload).map(Opaque::new)
    }

    /// The public half of the key, to compare it with a certificate.
    #[must_use]
    pub fn verifying_key(&self) -> &countersign_jose::VerifyingKey {
        self.key.verifying_key()
    }

    pub(crate) async fn ask(
        &self,
        http: &Http,
        client_id: &ClientId,
        secret: &ClientSecret,
        now: Timestamp,
    ) -> Result<Issued, Error> {
        let assertion = self.sign(client_id, now)?;
        let form = [
            ("client_id", client_id.as_str()),
            ("client_secret", secret.expose()),
            ("jwt_token", assertion.expose()),
        ];

        let answer = http.post_form(PATH, &form).await?;
        let answer = http.accepted(answer, &[secret.expose(), assertion.expose()])?;
        let reply: ExchangeReply<Opaque> = serde_json::from_str(answer.body.expose())
            .map_err(|_| http.malformed(Malformed::NotATokenReply))?;
        let life = Duration::from_millis(reply.expires_in.0);
        let token = AccessToken::new(reply.access_token, life, now)
            .ok_or_else(|| http.malformed(Malformed::NotATokenReply))?;
        Ok(Issued {
            token,
            reply: answer.body,
            debug_id: answer.debug_id,
        })
    }
}

/// Milliseconds, process and a counter, so that two assertions of one moment differ.
fn growing(now: Timestamp) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed) % 1_000;
    let process = std::process::id() % 100_000;
    format!("{}{count:03}{process:05}", now.as_millis())
}
