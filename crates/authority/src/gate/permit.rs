//! The proof that a call may pass.

use std::sync::Arc;

use countersign_wire::OrgId;

use super::Published;
use super::tokens::VerifiedToken;
use crate::directory::Client;

/// A call that may pass. Only [`Authority::permit`](crate::Authority::permit) makes one.
pub struct Permit {
    service: Arc<Published>,
    bearer: Option<Bearer>,
}

/// Who calls, with which token.
pub(super) struct Bearer {
    /// `None` for a client of another IMS that is not known here.
    pub(super) client: Option<Arc<Client>>,
    pub(super) token: Arc<VerifiedToken>,
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
        client: Option<Arc<Client>>,
        token: Arc<VerifiedToken>,
    ) -> Self {
        Self {
            service: Arc::clone(service),
            bearer: Some(Bearer { client, token }),
        }
    }

    pub(super) fn bearer(&self) -> Option<&Bearer> {
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

    /// The organization of the token; older tokens of another IMS name none.
    #[must_use]
    pub fn org_id(&self) -> Option<&str> {
        self.token()?.org_id.as_ref().map(OrgId::as_str)
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
        self.bearer.as_ref().map(|bearer| bearer.token.as_ref())
    }
}
