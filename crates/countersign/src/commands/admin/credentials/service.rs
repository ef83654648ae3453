//! `CODE` or `CODE:PROFILE,PROFILE`: a service, and the product profiles it is used through.

use countersign_authority::ManageError;
use countersign_model::Subscription;
use countersign_wire::{OrgId, ProfileId, ServiceCode};

use crate::commands::admin::session::Session;
use crate::outcome::Failure;

/// Reads the text. Profiles are ids or names; a code may itself hold a colon.
///
/// # Errors
/// There is no such service or profile.
pub async fn subscription(
    text: &str,
    org: &OrgId,
    session: &Session,
) -> Result<Subscription, Failure> {
    let catalogue = session.authority.catalogue();
    let known = |text: &str| {
        ServiceCode::parse(text)
            .ok()
            .filter(|code| catalogue.find(code).is_some())
    };
    let (service, profiles) = match (known(text), text.rsplit_once(':')) {
        (Some(service), _) => (service, ""),
        (None, Some((code, profiles))) => (code_of(code)?, profiles),
        (None, None) => (code_of(text)?, ""),
    };
    let all = session.authority.list_profiles(org, &session.actor).await?;
    let find = |wanted: &str| -> Result<ProfileId, Failure> {
        let is_it = |p: &&countersign_model::ProductProfile| {
            p.service == service && (p.id.as_str() == wanted || p.name == wanted)
        };
        let found = all.iter().find(is_it).map(|profile| profile.id.clone());
        Ok(found.ok_or_else(|| ManageError::NoProfile(wanted.to_owned()))?)
    };
    let wanted = profiles
        .split(',')
        .map(str::trim)
        .filter(|profile| !profile.is_empty());
    let profiles = wanted.map(find).collect::<Result<_, _>>()?;
    Ok(Subscription { service, profiles })
}

fn code_of(text: &str) -> Result<ServiceCode, Failure> {
    ServiceCode::parse(text).map_err(|error| {
        Failure::broken(format!("`--service`: {error}"))
            .hint("`countersign admin services list` shows all")
    })
}
