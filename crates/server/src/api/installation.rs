//! What concerns the installation as a whole.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::Rotation;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{Failure, ProblemSchema};
use super::reply::{self, List};
use super::request::By;
use super::view::KeyView;
use crate::app::App;

/// What a rotation did.
#[derive(Serialize, ToSchema)]
struct RotationView {
    /// `published`, or `activated`.
    step: &'static str,
    /// The keys that were published, or that sign now.
    keys: Vec<String>,
    /// From when on published keys may sign; `null` for those that do.
    ready_at: Option<String>,
}

/// The keys that sign tokens, oldest first
#[utoipa::path(get, path = "/api/v1/signing-keys", tag = "installation",
    responses((status = 200, body = List<KeyView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn keys(State(app): State<App>, By(by): By) -> Result<Response, Failure> {
    let found = app.authority.list_keys(&by).await?;
    Ok(reply::item(&List {
        items: found.iter().map(KeyView::from).collect(),
        next_cursor: None,
    }))
}

/// Move the keys on by one step: for the operator
#[utoipa::path(post, path = "/api/v1/signing-keys/rotation", tag = "installation",
    responses((status = 200, body = RotationView), (status = "default", body = ProblemSchema)))]
pub(super) async fn rotate(State(app): State<App>, By(by): By) -> Result<Response, Failure> {
    let view = match app.authority.rotate_keys(&by).await? {
        Rotation::Published { keys, ready_at } => RotationView {
            step: "published",
            keys: keys.iter().map(ToString::to_string).collect(),
            ready_at: Some(ready_at.to_string()),
        },
        Rotation::Activated { keys, .. } => RotationView {
            step: "activated",
            keys: keys.iter().map(ToString::to_string).collect(),
            ready_at: None,
        },
    };
    Ok(reply::item(&view))
}
