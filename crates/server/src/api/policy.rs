//! The deprecation policy: of the installation, and of organizations that have their own.

use axum::extract::State;
use axum::response::Response;
use countersign_authority::PolicyChange;
use countersign_model::deprecation::Preset;
use countersign_wire::{OrgId, Timestamp};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::error::{Failure, ProblemSchema};
use super::place::InOrganization;
use super::reply;
use super::request::{Body, By, Ids};
use super::secrets::instant;
use super::view::PolicyView;
use crate::app::App;

/// New dates: a preset, then single ones. What is absent stays; `null` never comes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyBody {
    /// `open`, `notice-2023` or `as-it-went`.
    preset: Option<String>,
    /// From here on JWT credentials carry a warning.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    deprecated_on: Given,
    /// From here on no JWT credential can be made.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    no_new_on: Given,
    /// From here on no certificate can be added.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    end_of_life_on: Given,
    /// From here on no assertion is exchanged.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    final_on: Given,
}

/// A member that may be absent, or there and `null`.
pub(super) type Given = Option<Option<String>>;

pub(super) fn given<'d, D: Deserializer<'d>>(from: D) -> Result<Given, D::Error> {
    Option::deserialize(from).map(Some)
}

impl PolicyBody {
    pub(super) fn change(self) -> Result<PolicyChange, Failure> {
        let preset = self.preset.as_deref().map(|name| {
            Preset::parse(name).ok_or_else(|| {
                Failure::request("`preset` is `open`, `notice-2023` or `as-it-went`")
            })
        });
        Ok(PolicyChange {
            preset: preset.transpose()?,
            deprecated_on: date("deprecated_on", self.deprecated_on)?,
            no_new_on: date("no_new_on", self.no_new_on)?,
            end_of_life_on: date("end_of_life_on", self.end_of_life_on)?,
            final_on: date("final_on", self.final_on)?,
        })
    }
}

fn date(name: &str, given: Given) -> Result<Option<Option<Timestamp>>, Failure> {
    given.map(|text| instant(name, text.as_deref())).transpose()
}

/// The dates of the deprecation policy that holds for an organization
#[utoipa::path(get, path = "/api/v1/organizations/{org}/policy", tag = "policy", params(InOrganization),
    responses((status = 200, body = PolicyView), (status = "default", body = ProblemSchema)))]
pub(super) async fn show(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
) -> Result<Response, Failure> {
    let policy = app.authority.show_policy(&org, &by).await?;
    Ok(reply::item(&PolicyView::from(&policy)))
}

/// Give an organization dates of its own, beginning with those that hold for it: for the operator
#[utoipa::path(patch, path = "/api/v1/organizations/{org}/policy", tag = "policy", params(InOrganization), request_body = PolicyBody,
    responses((status = 200, body = PolicyView), (status = "default", body = ProblemSchema)))]
pub(super) async fn change(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
    Body(body): Body<PolicyBody>,
) -> Result<Response, Failure> {
    let change = body.change()?;
    let policy = app.authority.change_policy(Some(&org), change, &by).await?;
    Ok(reply::item(&PolicyView::from(&policy)))
}

/// Take an organization's own dates away, so that those of the installation hold: for the operator
#[utoipa::path(delete, path = "/api/v1/organizations/{org}/policy", tag = "policy", params(InOrganization),
    responses((status = 204), (status = "default", body = ProblemSchema)))]
pub(super) async fn clear(
    State(app): State<App>,
    By(by): By,
    Ids(org): Ids<OrgId>,
) -> Result<Response, Failure> {
    app.authority.remove_policy(&org, &by).await?;
    Ok(reply::deleted())
}

/// The dates that hold for organizations without dates of their own: for the operator
#[utoipa::path(get, path = "/api/v1/policy", tag = "policy",
    responses((status = 200, body = PolicyView), (status = "default", body = ProblemSchema)))]
pub(super) async fn installation(State(app): State<App>, By(by): By) -> Result<Response, Failure> {
    let policies = app.authority.show_policies(&by).await?;
    Ok(reply::item(&PolicyView::from(&policies.installation())))
}

/// Set the dates of the installation: for the operator
#[utoipa::path(patch, path = "/api/v1/policy", tag = "policy", request_body = PolicyBody,
    responses((status = 200, body = PolicyView), (status = "default", body = ProblemSchema)))]
pub(super) async fn change_installation(
    State(app): State<App>,
    By(by): By,
    Body(body): Body<PolicyBody>,
) -> Result<Response, Failure> {
    let change = body.change()?;
    let policy = app.authority.change_policy(None, change, &by).await?;
    Ok(reply::item(&PolicyView::from(&policy)))
}
