//! Adding an API: service, kind of credential, then name, key and product profiles. Each step is a
//! page, and what was chosen stands in its address. Source: `spec/ims-protocol.md` 6.2.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use countersign_authority::{At, ManageError, NewCredential, NewGrant};
use countersign_model::{Credential, Origin, Owner, Service, Subscription, UseCase};

use super::certificates::{is_about_certificate, new_certificate};
use super::place::{InCredential, InProject};
use super::services::{address, profile_choices, profiles, service};
use super::shown_once::{self, Made};
use crate::Console;
use crate::error::PageError;
use crate::form::{Fields, Filled, Form};
use crate::page::{self, Page};
use crate::query::Query;
use crate::text::sentence;

#[derive(Template)]
#[template(path = "developer/add_api.html")]
struct ServicesPage {
    page: Page,
    form: Filled,
    path: String,
    services: Vec<ServiceCard>,
    is_filtered: bool,
}

struct ServiceCard {
    name: String,
    code: String,
    path: String,
    /// Why it cannot be chosen, if so.
    refused: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "developer/add_api_type.html")]
struct TypePage {
    page: Page,
    oauth: String,
    jwt: String,
    /// Why a JWT credential cannot be made, if so.
    jwt_refused: Option<String>,
    /// What to know of one that can.
    jwt_warning: Option<String>,
    back: String,
}

#[derive(Template)]
#[template(path = "developer/add_api_configure.html")]
struct ConfigurePage {
    page: Page,
    form: Filled,
    path: String,
    back: String,
    service: String,
    scopes: String,
    is_jwt: bool,
    /// The credential that the service is added to, if there is one.
    existing: Option<String>,
    choices: Vec<(String, String)>,
}

/// `GET ../add-api`.
pub(super) async fn choose_service(
    State(console): State<Console>,
    at: InProject,
    query: Query,
) -> Result<Response, PageError> {
    refuse_read_only(&at)?;
    let path = format!("{}/add-api", at.path());
    let wanted = query.get("q").trim().to_lowercase();
    let fits = |service: &&Service| {
        let texts = [service.name.as_str(), service.code.as_str()];
        texts
            .iter()
            .any(|text| text.to_lowercase().contains(&wanted))
    };
    let mut services: Vec<_> = console
        .authority
        .catalogue()
        .iter()
        .filter(fits)
        .map(|service| ServiceCard {
            name: service.name.clone(),
            code: service.code.to_string(),
            path: address(&format!("{path}/type"), service.code.as_str()),
            refused: refused(&at, service),
        })
        .collect();
    services.sort_by_key(|card| card.name.to_lowercase());
    page::render(&ServicesPage {
        page: at.page("Add an API"),
        form: Filled::for_guest().with("q", query.get("q")),
        path,
        services,
        is_filtered: !wanted.is_empty(),
    })
}

/// `GET ../add-api/type?service=CODE`. A project that has a credential has its kind already.
pub(super) async fn choose_type(
    State(console): State<Console>,
    at: InProject,
    query: Query,
) -> Result<Response, PageError> {
    refuse_read_only(&at)?;
    let service = service(&console, query.get("service"))?;
    let next = address(
        &format!("{}/add-api/configure", at.path()),
        service.code.as_str(),
    );
    if existing(&at).is_some() {
        return Ok(page::see_other(&next));
    }
    let (org, actor) = (&at.member.organization.id, &at.member.actor);
    let policy = console.authority.show_policy(org, actor).await?;
    let now = console.authority.clock().now();
    let notice = policy.notice(Origin::Console, None, now);
    page::render(&TypePage {
        page: at.page(format!("Add {}", service.name)),
        oauth: format!("{next}&type=oauth"),
        jwt: format!("{next}&type=jwt"),
        jwt_refused: policy.may_create(Origin::Console, now).err().map(sentence),
        jwt_warning: notice.map(|notice| {
            let end = notice.sunset.map_or_else(
                || "no end date is set in this installation yet".to_owned(),
                |at| format!("it stops working on {}", at.date()),
            );
            format!("Deprecated since {}: {end}.", notice.deprecated_on.date())
        }),
        back: format!("{}/add-api", at.path()),
    })
}

/// `GET ../add-api/configure?service=CODE&type=oauth`.
pub(super) async fn configure(
    State(console): State<Console>,
    at: InProject,
    query: Query,
) -> Result<Response, PageError> {
    refuse_read_only(&at)?;
    let service = service(&console, query.get("service"))?;
    let kind = query.get("type");
    if existing(&at).is_none() && !KINDS.contains(&kind) {
        let path = format!("{}/add-api/type", at.path());
        return Ok(page::see_other(&address(&path, service.code.as_str())));
    }
    let session = &at.member.visitor.session;
    let form = match existing(&at) {
        Some(_) => Filled::new(&at.member.visitor),
        None => Filled::confirmed(&at.member.visitor),
    };
    let form = form
        .with("service", service.code.as_str())
        .with("type", kind)
        .with("revision", revision(&at))
        .with("name", default_name(&at))
        .with("team", &at.member.organization.name)
        .with("contact", session.person().sign_in_name.as_str())
        .with("how", "generate");
    page::render(&configure_page(&console, &at, service, form).await?)
}

/// `POST ../add-api/configure`: a new credential is shown once, with its secret.
pub(super) async fn save(
    State(console): State<Console>,
    at: InProject,
    form: Form,
) -> Result<Response, PageError> {
    let service = service(&console, form.text("service"))?;
    match existing(&at) {
        Some(credential) => add_service(&console, &at, credential, service, &form).await,
        None => create(&console, at, service, &form).await,
    }
}

const TYPED: [&str; 8] = [
    "service", "type", "revision", "name", "team", "contact", "how", "profiles",
];

/// The kinds of credential that a form can ask for.
const KINDS: [&str; 2] = ["oauth", "jwt"];

/// What the form says that there was when it was opened: the credential at a revision, or nothing.
/// Who filled in a form for a new credential is not to add to somebody else's unawares.
fn revision(at: &InProject) -> String {
    let found = existing(at).map(|credential| credential.revision.to_string());
    found.unwrap_or_else(|| NO_CREDENTIAL.to_owned())
}

const NO_CREDENTIAL: &str = "none";

async fn add_service(
    console: &Console,
    at: &InProject,
    credential: &Credential,
    service: &Service,
    form: &Fields,
) -> Result<Response, PageError> {
    let mut filled = Filled::new(&at.member.visitor).typed(&TYPED, form);
    let profiles = profiles(form, &mut filled);
    if filled.is_fine() {
        let subscription = Subscription {
            service: service.code.clone(),
            profiles,
        };
        let of = At::revision(&credential.id, form.revision());
        let added = console
            .authority
            .subscribe(of, subscription, &at.member.actor)
            .await;
        match added {
            Ok(_) => {
                let path = format!("{}/credentials/{}", at.path(), credential.id);
                let notice = format!("{} is added.", service.name);
                return page::done(console, &path, &notice);
            }
            Err(error) => filled.refused_at(error, field)?,
        }
    }
    page::refused(&configure_page(console, at, service, filled).await?)
}

async fn create(
    console: &Console,
    at: InProject,
    service: &Service,
    form: &Fields,
) -> Result<Response, PageError> {
    let mut filled = Filled::confirmed(&at.member.visitor).typed(&TYPED, form);
    if form.text("revision") != NO_CREDENTIAL {
        filled.refused(ManageError::Stale, "")?;
    }
    let new = new_credential(&at, service, form, &mut filled);
    let visitor = &at.member.visitor;
    visitor
        .confirm(console, &mut filled, form.secret("password"))
        .await?;
    if let (Some(new), true) = (new, filled.is_fine()) {
        let actor = &at.member.actor;
        match console.authority.create_credential(new, actor).await {
            Ok(created) => {
                let certificate = created.credential.certificates.first();
                let pem = certificate.map(|one| one.pem.clone()).unwrap_or_default();
                let pair = created.private_key.as_ref().map(|key| (key, pem.as_str()));
                let at = InCredential {
                    member: at.member,
                    project: at.project,
                    account: created.account,
                    credential: created.credential,
                };
                let made = Made {
                    title: "Your new credential",
                    secret: Some(created.secret.expose()),
                    pair,
                };
                return shown_once::show(&console.authority, &at, &made);
            }
            Err(error) => filled.refused_at(error, field)?,
        }
    }
    page::refused(&configure_page(console, &at, service, filled).await?)
}

fn new_credential(
    at: &InProject,
    service: &Service,
    form: &Fields,
    filled: &mut Filled,
) -> Option<NewCredential> {
    for name in ["name", "team", "contact"] {
        if let Err(error) = countersign_model::project::check_label(form.trimmed(name)) {
            filled.fault(name, sentence(error));
        }
    }
    let grant = match form.text("type") {
        "jwt" => NewGrant::Jwt(new_certificate(form, filled)?),
        "oauth" => NewGrant::OAuth,
        _ => {
            filled.fault(
                "",
                "This form names no kind of credential: go back and choose one.",
            );
            return None;
        }
    };
    let of = |name| form.trimmed(name).to_owned();
    Some(NewCredential {
        project_id: at.project.id.clone(),
        workspace_id: None,
        name: of("name"),
        owner: Owner {
            team: of("team"),
            contact: of("contact"),
        },
        origin: Origin::Console,
        grant,
        subscriptions: vec![Subscription {
            service: service.code.clone(),
            profiles: profiles(form, filled),
        }],
        client_id: None,
        technical_account_id: None,
    })
}

/// `Credential in Project <n>`, as the original; cut to what a name may have.
fn default_name(at: &InProject) -> String {
    let name = format!("Credential in {}", at.project.title);
    name.chars().take(100).collect()
}

/// The credential that further services are added to.
fn existing(at: &InProject) -> Option<&Credential> {
    at.credentials.first()
}

fn refused(at: &InProject, service: &Service) -> Option<&'static str> {
    let has = existing(at).is_some_and(|credential| {
        let mut all = credential.subscriptions.iter();
        all.any(|one| one.service == service.code)
    });
    if has {
        return Some("Added to this project already.");
    }
    let is_reserved = service.administrators_only && !at.member.actor.may(UseCase::AddAdminService);
    is_reserved.then_some("Only a System Administrator of the organization can add it.")
}

fn refuse_read_only(at: &InProject) -> Result<(), PageError> {
    match at.read_only() {
        Some(reason) => Err(PageError::refused(&reason)),
        None => Ok(()),
    }
}

async fn configure_page(
    console: &Console,
    at: &InProject,
    service: &Service,
    form: Filled,
) -> Result<ConfigurePage, PageError> {
    let existing = existing(at);
    let scopes = service.scopes.iter().map(|scope| scope.as_str());
    Ok(ConfigurePage {
        page: at.page(format!("Configure {}", service.name)),
        path: format!("{}/add-api/configure", at.path()),
        back: address(
            &format!("{}/add-api/type", at.path()),
            service.code.as_str(),
        ),
        service: service.name.clone(),
        scopes: scopes.collect::<Vec<_>>().join(", "),
        is_jwt: existing.is_none() && form.value("type") == "jwt",
        existing: existing.map(|credential| credential.name.clone()),
        choices: profile_choices(console, &at.member, &service.code).await?,
        form,
    })
}

fn field(error: &ManageError) -> &'static str {
    match error {
        ManageError::NoProfile(_) | ManageError::ReadOnly(_) => "profiles",
        error if is_about_certificate(error) => "certificate",
        _ => "",
    }
}
