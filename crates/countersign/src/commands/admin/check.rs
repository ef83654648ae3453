//! `admin check`

use countersign_authority::ManageError;
use countersign_store::{self as store, Page};
use countersign_wire::OrgId;

use super::record::Record;
use super::session::{Session, all};
use crate::config::Config;
use crate::outcome::{Exit, Failure};
use crate::output;

/// Reads everything there is and prints what is wrong with it.
pub(super) async fn run(config: &Config, json: bool) -> Result<Exit, Failure> {
    let mut findings = store::check(&config.store).await?;
    // Only what is whole can be opened.
    if findings.is_empty() {
        let session = Session::open(config).await?;
        findings.extend(
            read_rows(&session)
                .await
                .err()
                .map(|error| error.to_string()),
        );
        session.store.close().await;
    }
    print(config, &findings, json)?;
    Ok(match findings.is_empty() {
        true => Exit::Done,
        false => Exit::Refused,
    })
}

/// Whether rows mean something: each is read as what it should be. Ends at the first that is not.
async fn read_rows(session: &Session) -> Result<(), ManageError> {
    let (authority, actor) = (&session.authority, &session.actor);
    authority.list_keys(actor).await?;
    let list = async |page: &Page| authority.list_organizations(page, actor).await;
    for organization in all(list, |organization| organization.id.as_str()).await? {
        let org = &organization.id;
        authority.list_profiles(org, actor).await?;
        let list = async |page: &Page| authority.list_projects(org, page, actor).await;
        all(list, |project| project.id.as_str()).await?;
        read_credentials(session, org).await?;
    }
    Ok(())
}

/// Page by page: there may be more than memory holds.
async fn read_credentials(session: &Session, org: &OrgId) -> Result<(), ManageError> {
    let mut page = Page::first();
    loop {
        let listed = session
            .authority
            .list_credentials(org, None, &page, &session.actor);
        match listed.await?.pop() {
            Some(last) => page.after = Some(last.id.as_str().to_owned()),
            None => return Ok(()),
        }
    }
}

fn print(config: &Config, findings: &[String], json: bool) -> Result<(), Failure> {
    let database = config.store.shown_url();
    if json {
        return output::json(
            &Record::new()
                .text("database", database)
                .flag("sound", findings.is_empty())
                .list("findings", findings),
        );
    }
    if findings.is_empty() {
        return output::line(&format!("the database `{database}` is sound"));
    }
    for finding in findings {
        output::line(&output::harmless(finding))?;
    }
    output::error(&format!("the database `{database}` is not sound"));
    output::hint(
        "stop every server that uses it, keep it for later, and restore the last backup in its place",
    );
    Ok(())
}
