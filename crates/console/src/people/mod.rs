//! Pages about people and about what they share: signing in, the own account, organizations,
//! members, the activity log, keys, services, policy.

use axum::response::Response;

use crate::error::PageError;
use crate::page::see_other;
use crate::session::Visitor;

pub(crate) mod account;
pub(crate) mod activity;
pub(crate) mod calendar;
pub(crate) mod invitation;
pub(crate) mod keys;
pub(crate) mod members;
pub(crate) mod organizations;
pub(crate) mod policy;
pub(crate) mod profiles;
pub(crate) mod provider;
pub(crate) mod services;
pub(crate) mod sign_in;
pub(crate) mod sign_out;
pub(crate) mod undo;

/// `GET /console`: to the projects of the organization that the person works in.
pub(crate) async fn home(visitor: Visitor) -> Result<Response, PageError> {
    Ok(match visitor.organization() {
        Some(one) => see_other(&format!("/console/projects/{}", one.numeric_id)),
        None => see_other("/console/account/organizations"),
    })
}
