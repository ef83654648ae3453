//! The proof that a call may pass.

use std::sync::Arc;

use super::Published;
use super::tokens::VerifiedToken;
use crate::directory::Client;

/// A call that may pass. Only [`Authority::permit`](crate::Authority::permit) makes one.
pub struct Permit {
    service: Arc<Published>,
    bearer: Option<(Arc<Client>, Arc<VerifiedToken>)>,
}

impl Permit {
    pub(super) fn for_anybody(service: &Arc<Published>) -> Self {
        Self {
            service: Arc::clone(service),
            bearer: None,
        }
    }

    pub(super) fn for_client(
        service: &Arc<Published>,
        client: Arc<Client>,
        token: Arc<VerifiedToken>,
    ) -> Self {
        Self {
            service: Arc::clone(service),
            bearer: Some((client, token)),
        }
    }

    pub(super) fn bearer(&self) -> Option<&(Arc<Client>, Arc<VerifiedToken>)> {
        self.bearer.as_ref()
    }

    /// What may be called.
    #[must_use]
    pub fn service(&self) -> &Arc<Published> {
        &self.service
    }

    /// The client; like all that follows, `None` for a call that passes without any check.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.token().map(|token| token.client_id.as_str())
    }

    /// The organization of the token.
    #[must_use]
    pub fn org_id(&self) -> Option<&str> {
        self.token().map(|token| &*token.org_id)
    }

    /// The technical account.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.token().map(|token| &*token.account_id)
    }

    /// The scopes of the token, separated by commas.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.token().map(|token| &*token.scope)
    }

    fn token(&self) -> Option<&VerifiedToken> {
        self.bearer.as_ref().map(|(_, token)| token.as_ref())
    }
}
