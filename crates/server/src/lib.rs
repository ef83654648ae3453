//! Faces for machines: the HTTP server and what every face needs around its handlers.

#![warn(missing_docs)]

pub mod app;
pub mod gateway;
pub mod health;
pub mod ims;
pub mod kit;
pub mod listen;
pub mod metrics;
pub mod oauth2;

/// The routes of all faces.
pub fn routes(app: app::App) -> axum::Router {
    ims::routes(app.clone()).merge(oauth2::routes(app))
}
