//! The client-credentials grant. Source: `spec/ims-protocol.md` 1.4, 1.5.

use std::time::Duration;

use countersign_wire::token::{CLIENT_CREDENTIALS, TokenReply};
use countersign_wire::{ClientId, ClientSecret, Opaque, OrgId, ScopeSet, Timestamp};

use crate::error::{Error, Malformed};
use crate::http::Http;
use crate::token::{AccessToken, Issued};

/// Where the grant is asked for.
pub const PATH: &str = "/ims/token/v3";

/// What a client-credentials request asks for.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// The scopes; the server refuses the request as a whole when one of them is not granted.
    pub scopes: ScopeSet,
    /// For clients that no single organization owns.
    pub org_id: Option<OrgId>,
}

impl ClientCredentials {
    /// The parameters of the request, without the secret.
    #[must_use]
    pub fn public_form(&self, client_id: &ClientId) -> Vec<(&'static str, String)> {
        let mut form = vec![
            ("grant_type", CLIENT_CREDENTIALS.to_owned()),
            ("client_id", client_id.to_string()),
            ("scope", self.scopes.to_string()),
        ];
        form.extend(self.org_id.iter().map(|org| ("org_id", org.to_string())));
        form
    }

    pub(crate) async fn ask(
        &self,
        http: &Http,
        client_id: &ClientId,
        secret: &ClientSecret,
        now: Timestamp,
    ) -> Result<Issued, Error> {
        let form = self.public_form(client_id);
        let mut form: Vec<_> = form.iter().map(|(name, of)| (*name, of.as_str())).collect();
        form.push(("client_secret", secret.expose()));

        let answer = http.post_form(PATH, &form).await?;
        let answer = http.accepted(answer, &[secret.expose()])?;
        let reply: TokenReply<Opaque> = serde_json::from_str(answer.body.expose())
            .map_err(|_| http.malformed(Malformed::NotATokenReply))?;
        let life = Duration::from_secs(reply.expires_in.0);
        let token = AccessToken::new(reply.access_token, life, now)
            .ok_or_else(|| http.malformed(Malformed::NotATokenReply))?;
        Ok(Issued {
            token,
            reply: answer.body,
            debug_id: answer.debug_id,
        })
    }
}
