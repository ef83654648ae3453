//! Faces for machines: the HTTP server and what every face needs around its handlers.

#![warn(missing_docs)]

use std::sync::Arc;

mod adobe;
pub mod api;
pub mod app;
mod ext_authz;
pub mod gateway;
pub mod health;
pub mod ims;
pub mod kit;
pub mod listen;
pub mod metrics;
pub mod oauth2;

/// The routes of all faces.
pub fn routes(app: app::App) -> axum::Router {
    let ext_authz = ext_authz::routes(Arc::clone(&app.authority));
    ims::routes(app.clone())
        .merge(oauth2::routes(app.clone()))
        .merge(api::routes(app.clone()))
        .merge(adobe::routes(app))
        .merge(ext_authz)
}
