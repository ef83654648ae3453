//! The page that shows a secret, a private key or a token, once: the answer to the form that made
//! it. Nothing of it is kept anywhere, so it cannot be a page of its own.

use askama::Template;
use axum::response::Response;
use countersign_authority::Authority;
use countersign_wire::Opaque;

use super::block;
use super::bundle;
use super::place::InCredential;
use crate::error::PageError;
use crate::page::{self, Page};

#[derive(Template)]
#[template(path = "developer/shown_once.html")]
struct ShownPage<'a> {
    page: Page,
    /// The credential's page.
    path: String,
    client_id: String,
    secret: Option<&'a str>,
    private_key: Option<&'a str>,
    bundle: Option<String>,
    block: Option<String>,
    curl: Option<String>,
}

/// What was made.
pub(super) struct Made<'a> {
    pub(super) title: &'a str,
    pub(super) secret: Option<&'a str>,
    /// The private key of a generated pair, and the certificate's PEM.
    pub(super) pair: Option<(&'a Opaque, &'a str)>,
}

/// Shows it.
pub(super) fn show(
    authority: &Authority,
    at: &InCredential,
    made: &Made<'_>,
) -> Result<Response, PageError> {
    let credential = &at.credential;
    let pair = made.pair;
    let block = made
        .secret
        .map(|secret| block::api_credentials(authority, credential, &at.account, Some(secret)));
    let curl = made
        .secret
        .filter(|_| credential.grants.has_oauth_half())
        .map(|secret| block::curl_token(authority, credential, secret));
    let bundle = match pair {
        Some((key, certificate)) => Some(bundle::data_address(key, certificate)?),
        None => None,
    };
    page::render(&ShownPage {
        page: at.page(made.title),
        path: at.path(),
        client_id: credential.client_id.to_string(),
        secret: made.secret,
        private_key: pair.map(|(key, _)| key.expose()),
        bundle,
        block,
        curl,
    })
}
