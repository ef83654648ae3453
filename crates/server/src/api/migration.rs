//! The migration of a JWT credential to OAuth Server-to-Server.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use countersign_authority::{Actor, At, Despite, Disabling, LivingTokens};
use countersign_model as model;
use countersign_wire::{CredentialId, OrgId, ProjectId};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::error::{Failure, ProblemSchema};
use super::place::{self, InCredential, InOrganization, Paged};
use super::reply::{self, List, Paging};
use super::request::{Body, By, Ids, IfMatch, Query};
use super::view::{MigrationDetailView, MigrationView, ReviewView};
use crate::app::App;

/// A step of the migration to OAuth Server-to-Server. One that was taken before changes nothing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MigrationBody {
    step: Step,
    /// Of `disable` and `finish`: go on although the review does not say `safe`.
    force: Option<ForceBody>,
    /// Of `disable`: end the tokens, too, that were exchanged before.
    #[serde(default)]
    end_tokens: bool,
}

/// The steps.
#[derive(Clone, Copy, Deserialize, Eq, PartialEq, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// Add the OAuth half: from now on both grants work.
    Start,
    /// Put the JWT half into quarantine: exchanges are refused, nothing is lost.
    Disable,
    /// Take it out of quarantine.
    Restore,
    /// Delete the JWT half in quarantine, for good.
    Finish,
    /// Take the OAuth half back; the JWT half works as before.
    Cancel,
}

impl From<Step> for model::Step {
    fn from(step: Step) -> Self {
        match step {
            Step::Start => Self::Start,
            Step::Disable => Self::Disable,
            Step::Restore => Self::Restore,
            Step::Finish => Self::Finish,
            Step::Cancel => Self::Cancel,
        }
    }
}

/// What is said by whoever goes on against the review.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ForceBody {
    /// Name of the credential's project, so that nobody means another one.
    project: String,
    /// Why: written into the activity log.
    reason: String,
}

impl From<ForceBody> for Despite {
    fn from(body: ForceBody) -> Self {
        let ForceBody { project, reason } = body;
        Self { project, reason }
    }
}

impl MigrationBody {
    /// What belongs to another step is a mistake somebody should see.
    fn check(&self) -> Result<(), Failure> {
        let takes_force = matches!(self.step, Step::Disable | Step::Finish);
        if self.force.is_some() && !takes_force {
            return Err(Failure::request(
                "`force` is for the steps `disable` and `finish`: leave it out",
            ));
        }
        if self.end_tokens && self.step != Step::Disable {
            return Err(Failure::request(
                "`end_tokens` is for the step `disable`: leave it out",
            ));
        }
        Ok(())
    }
}

/// Say from its callers whether the JWT half may be removed
#[utoipa::path(get, path = "/api/v1/organizations/{org}/credentials/{credential}/migration/review", tag = "credentials", params(InCredential),
    responses((status = 200, body = ReviewView), (status = "default", body = ProblemSchema)))]
pub(super) async fn review(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
) -> Result<Response, Failure> {
    place::credential(&app, &org, &id, &by).await?;
    let review = app.authority.review_migration(&id, &by).await?;
    Ok(reply::item(&ReviewView::from(&review)))
}

/// Take a step of the migration to OAuth Server-to-Server
#[utoipa::path(post, path = "/api/v1/organizations/{org}/credentials/{credential}/migration", tag = "credentials", params(InCredential), request_body = MigrationBody,
    responses((status = 200, body = MigrationDetailView), (status = "default", body = ProblemSchema)))]
pub(super) async fn migrate(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
    IfMatch(revision): IfMatch,
    Body(body): Body<MigrationBody>,
) -> Result<Response, Failure> {
    place::credential(&app, &org, &id, &by).await?;
    body.check()?;
    let at = At::revision(&id, revision);
    let despite = body.force.map(Despite::from);
    match body.step {
        Step::Start => app.authority.start_migration(at, &by).await?,
        Step::Disable => {
            let tokens = match body.end_tokens {
                true => LivingTokens::End,
                false => LivingTokens::Keep,
            };
            let disabling = Disabling { tokens, despite };
            app.authority.disable_jwt_half(at, &disabling, &by).await?
        }
        Step::Restore => app.authority.restore_jwt_half(at, &by).await?,
        Step::Finish => {
            let despite = despite.as_ref();
            app.authority.finish_migration(at, despite, &by).await?
        }
        Step::Cancel => app.authority.cancel_migration(at, &by).await?,
    };
    stands(&app, &id, &by).await
}

/// Where the migration of a credential stands, and who still tries what was disabled
#[utoipa::path(get, path = "/api/v1/organizations/{org}/credentials/{credential}/migration", tag = "credentials", operation_id = "migration", params(InCredential),
    responses((status = 200, body = MigrationDetailView), (status = "default", body = ProblemSchema)))]
pub(super) async fn show(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
) -> Result<Response, Failure> {
    place::credential(&app, &org, &id, &by).await?;
    stands(&app, &id, &by).await
}

async fn stands(app: &App, id: &CredentialId, by: &Actor) -> Result<Response, Failure> {
    let detail = app.authority.show_migration(id, by).await?;
    let view = MigrationDetailView::from(&detail);
    Ok(reply::revised(&view, detail.status.credential.revision))
}

/// The review with the evidence it was made from, signed with the installation's key: a compact JWS
/// (RFC 7515) that the key set at `/ims/keys` verifies
#[utoipa::path(get, path = "/api/v1/organizations/{org}/credentials/{credential}/migration/review/export", tag = "credentials", operation_id = "export_review", params(InCredential),
    responses((status = 200, content_type = "application/jose", body = String), (status = "default", body = ProblemSchema)))]
pub(super) async fn export(
    State(app): State<App>,
    By(by): By,
    Ids((org, id)): Ids<(OrgId, CredentialId)>,
) -> Result<Response, Failure> {
    const JOSE: HeaderValue = HeaderValue::from_static("application/jose");
    place::credential(&app, &org, &id, &by).await?;
    let signed = app.authority.export_review(&id, &by).await?;
    Ok(([(CONTENT_TYPE, JOSE)], signed).into_response())
}

/// Which migrations.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only described")]
struct Which {
    /// Only those of this project.
    project: Option<String>,
}

/// Where the credentials of an organization stand that have or had a JWT half, by id
#[utoipa::path(get, path = "/api/v1/organizations/{org}/migrations", tag = "credentials", operation_id = "migrations", params(InOrganization, Which, Paged),
    responses((status = 200, body = List<MigrationView>), (status = "default", body = ProblemSchema)))]
pub(super) async fn list(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    mut query: Query,
) -> Result<Response, Failure> {
    let project = query.take("project");
    let list = format!("migrations of {org} in {project:?}");
    let paging = Paging::read(&app, &mut query, list)?;
    query.finish()?;
    let project = project.as_deref().map(ProjectId::parse).transpose();
    let project = project.map_err(|error| Failure::request(format!("`project`: {error}")))?;
    let found = app
        .authority
        .list_migrations(&org, project.as_ref(), &paging.page, &by)
        .await?;
    paging.answer(
        &app,
        found,
        |one| one.credential.id.as_str(),
        |one| MigrationView::from(one),
    )
}
