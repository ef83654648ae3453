//! Projects as people look for them: filtered, sorted, in pages by key.

use countersign_model::Project;
use countersign_wire::{OrgId, ServiceCode, Timestamp};
use sqlx::query;

use crate::db::{Query, Reads};
use crate::error::Error;
use crate::page::Page;
use crate::projects::{read, title_key};
use crate::row::{Row, storable};

/// Which projects, in which order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Search {
    /// Part of the name, title or description, in any case; or a whole project id, client id, or
    /// id or mail address of a technical account. Empty finds all.
    pub text: String,
    /// Part of the actor that made it. Empty finds all.
    pub created_by: String,
    /// Part of the actor that changed it last. Empty finds all.
    pub changed_by: String,
    /// Only those with a credential that subscribes to this service.
    pub service: Option<ServiceCode>,
    /// Only those with a credential that has a JWT half.
    pub jwt: Wanted,
    /// Only those with a certificate that ends before this time.
    pub certificates_end_before: Option<Timestamp>,
    /// The order.
    pub sort: Sort,
    /// Which end comes first.
    pub direction: Direction,
}

/// Whether a thing is asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Wanted {
    /// It does not matter.
    #[default]
    Either,
    /// It must be there.
    Yes,
}

/// What projects are sorted by; the id decides between equals.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Sort {
    /// When they, or what is in them, were changed last.
    #[default]
    Changed,
    /// When they were made.
    Created,
    /// The day of the last token or call.
    Active,
    /// The title, whatever its case.
    Title,
}

/// Which end of a list comes first.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Direction {
    /// The latest, or the end of the alphabet.
    #[default]
    Descending,
    /// The earliest, or the beginning of the alphabet.
    Ascending,
}

impl Search {
    /// The key of the page behind `project`.
    #[must_use]
    pub fn key_of(&self, project: &Project) -> String {
        let key = match self.sort {
            Sort::Changed => project.changed_at.as_millis().to_string(),
            Sort::Created => project.created_at.as_millis().to_string(),
            Sort::Active => stored(project.active_at).to_string(),
            Sort::Title => title_key(project),
        };
        format!("{}|{key}", project.id)
    }
}

/// The texts of one order: of the first page, and of those behind a key.
struct Texts {
    first: &'static str,
    behind: &'static str,
}

/// SQL text is static; eight orders of one list are better made from one text than written.
macro_rules! texts {
    ($key:literal, $compare:literal, $direction:literal) => {
        Texts {
            first: concat!(
                select!(),
                " ORDER BY p.",
                $key,
                " ",
                $direction,
                ", p.id ",
                $direction,
                " LIMIT $2"
            ),
            behind: concat!(
                select!(),
                " AND (p.",
                $key,
                ", p.id) ",
                $compare,
                " ($11, $12)",
                " ORDER BY p.",
                $key,
                " ",
                $direction,
                ", p.id ",
                $direction,
                " LIMIT $2"
            ),
        }
    };
}

/// `CROSS JOIN` says where SQLite begins: with the few rows that were asked for, and not with all
/// credentials of the organization. A service that many use is looked for project by project ($7),
/// which finds a page of them soon: not by `EXISTS`, which PostgreSQL would look up for all projects at
/// once. One that few use is looked up ($10).
macro_rules! select {
    () => {
        "SELECT p.id, p.org_id, p.name, p.title, p.description, p.kind, p.disabled_at, \
            p.created_at, p.created_by, p.changed_at, p.changed_by, p.active_at, p.revision
        FROM projects p
        WHERE p.org_id = $1
            AND ($3 = '' OR p.search_text LIKE $3 ESCAPE '!'
                OR p.id = $4)
            AND ($5 = '' OR LOWER(p.created_by) LIKE $5 ESCAPE '!')
            AND ($6 = '' OR LOWER(p.changed_by) LIKE $6 ESCAPE '!')
            AND ($8 = '' OR p.id IN
                (SELECT c.project_id FROM credentials c
                    WHERE c.org_id = $1 AND c.grants IN ('jwt', 'jwt_paired', 'jwt_cancelled')))
            AND ($9 = 0 OR p.id IN
                (SELECT c.project_id FROM certificates k CROSS JOIN credentials c
                    WHERE c.id = k.credential_id AND k.not_after < $9 AND c.org_id = $1))
            AND ($10 = '' OR p.id IN
                (SELECT c.project_id FROM subscriptions s CROSS JOIN credentials c
                    WHERE c.id = s.credential_id AND s.service = $10 AND c.org_id = $1))
            AND ($7 = '' OR
                (SELECT 1 FROM credentials c JOIN subscriptions s ON s.credential_id = c.id
                    WHERE c.project_id = p.id AND s.service = $7 LIMIT 1) = 1)"
    };
}

const fn texts_of(sort: Sort, direction: Direction) -> Texts {
    match (sort, direction) {
        (Sort::Changed, Direction::Descending) => texts!("changed_at", "<", "DESC"),
        (Sort::Changed, Direction::Ascending) => texts!("changed_at", ">", "ASC"),
        (Sort::Created, Direction::Descending) => texts!("created_at", "<", "DESC"),
        (Sort::Created, Direction::Ascending) => texts!("created_at", ">", "ASC"),
        (Sort::Active, Direction::Descending) => texts!("active_at", "<", "DESC"),
        (Sort::Active, Direction::Ascending) => texts!("active_at", ">", "ASC"),
        (Sort::Title, Direction::Descending) => texts!("title_key", "<", "DESC"),
        (Sort::Title, Direction::Ascending) => texts!("title_key", ">", "ASC"),
    }
}

/// Projects of an organization that fit; [`Search::key_of`] is the key of the page. A key of
/// another order is taken for that of no page.
///
/// # Errors
/// [`Error`].
pub async fn list(
    r: &mut impl Reads,
    org_id: &OrgId,
    search: &Search,
    page: &Page,
) -> Result<Vec<Project>, Error> {
    let texts = texts_of(search.sort, search.direction);
    let many = match &search.service {
        Some(service) => is_used_by_many(r, service).await?,
        None => false,
    };
    let named = named(r, org_id, &search.text).await?;
    let filtered = |text| filtered(text, org_id, search, &named, many, page);
    let after = page.after.as_deref().and_then(|key| key.split_once('|'));
    let listed = match (after, search.sort) {
        (None, _) => filtered(texts.first),
        (Some((id, key)), Sort::Title) => filtered(texts.behind)
            .bind(storable(key))
            .bind(storable(id)),
        (Some((id, key)), Sort::Changed | Sort::Created | Sort::Active) => filtered(texts.behind)
            .bind(key.parse::<i64>().unwrap_or_default())
            .bind(storable(id)),
    };
    r.session().list("projects", listed, read).await
}

/// Whether so many credentials, of all organizations, use a service that looking all of them up
/// would take longer than meeting some.
async fn is_used_by_many(r: &mut impl Reads, service: &ServiceCode) -> Result<bool, Error> {
    const BEHIND_MANY: &str = "
        SELECT credential_id
        FROM subscriptions
        WHERE service = $1
        ORDER BY credential_id
        LIMIT 1 OFFSET $2";
    let asked = query(BEHIND_MANY).bind(service.as_str()).bind(MANY);
    let found = r.session().find("subscriptions", asked, |_| Ok(()));
    Ok(found.await?.is_some())
}

const MANY: i64 = 20_000;

/// The id of the project that a text names as a whole: by that id, a client id, or the id or mail
/// address of a technical account, which all are of one credential. Looked up first: asked of every
/// project, it would take longer than all the rest.
async fn named(r: &mut impl Reads, org_id: &OrgId, text: &str) -> Result<String, Error> {
    const NAMED: &str = "
        SELECT p.id AS id
        FROM projects p
        WHERE p.id = $2 AND p.org_id = $1
        UNION
        SELECT c.project_id
        FROM credentials c
        WHERE c.client_id = $2 AND c.org_id = $1
        UNION
        SELECT c.project_id
        FROM credentials c
        WHERE c.technical_account_id = $2 AND c.org_id = $1
        UNION
        SELECT c.project_id
        FROM technical_accounts a
        JOIN credentials c ON c.technical_account_id = a.id
        WHERE a.email = $2 AND c.org_id = $1";
    let text = storable(text.trim());
    if text.is_empty() {
        return Ok(text);
    }
    let found = query(NAMED).bind(org_id.as_str()).bind(text);
    let id = |row: &Row<'_>| row.text("id");
    let found = r.session().list("projects", found, id).await?;
    Ok(found.into_iter().next().unwrap_or_default())
}

fn filtered(
    text: &'static str,
    org_id: &OrgId,
    search: &Search,
    named: &str,
    many: bool,
    page: &Page,
) -> Query {
    let service = search.service.as_ref();
    let service = service.map_or("", |service| service.as_str());
    let (of_many, of_few) = if many { (service, "") } else { ("", service) };
    let jwt = match search.jwt {
        Wanted::Either => "",
        Wanted::Yes => "yes",
    };
    query(text)
        .bind(org_id.as_str())
        .bind(page.size())
        .bind(pattern(&search.text))
        .bind(named.to_owned())
        .bind(pattern(&search.created_by))
        .bind(pattern(&search.changed_by))
        .bind(of_many)
        .bind(jwt)
        .bind(stored(search.certificates_end_before))
        .bind(of_few)
}

/// A pattern for `LIKE .. ESCAPE '!'` that finds `part` anywhere, in lower case.
fn pattern(part: &str) -> String {
    let part = storable(&part.trim().to_lowercase());
    if part.is_empty() {
        return part;
    }
    let escaped = part
        .replace('!', "!!")
        .replace('%', "!%")
        .replace('_', "!_");
    format!("%{escaped}%")
}

fn stored(at: Option<Timestamp>) -> i64 {
    at.unwrap_or_default().as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_means_itself() {
        assert_eq!(pattern(" 100%_! "), "%100!%!_!!%");
        assert_eq!(pattern("  "), "");
    }
}
