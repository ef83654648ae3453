//! Projects in pages by number, for an API that counts pages. Far pages cost as much as all before
//! them: lists of our own go by key.

use countersign_model::{Project, ProjectKind};
use countersign_wire::{OrgId, ProjectId};
use sqlx::query;

use crate::db::{Query, Reads};
use crate::error::Error;
use crate::project_search::{Direction, Sort};
use crate::projects::read;
use crate::row::storable;

/// Which part of a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NumberedPage {
    /// The order.
    pub sort: Sort,
    /// Which end comes first.
    pub direction: Direction,
    /// How many projects come before the page.
    pub skip: u32,
    /// Most projects of the page; at most [`NumberedPage::MAX`] are given.
    pub size: u32,
}

/// Which projects of an organization; the default is all.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NumberedFilter {
    /// Exactly this title. Empty finds all.
    pub title: String,
    /// Only those of this kind.
    pub kind: Option<ProjectKind>,
    /// Only these. None of them finds all.
    pub ids: Vec<ProjectId>,
    /// Only those with a credential of one of these kinds.
    pub with: Option<CredentialKinds>,
}

/// Kinds of credentials, by the halves that they have.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct CredentialKinds {
    /// A JWT half only.
    pub jwt: bool,
    /// An OAuth half only.
    pub oauth: bool,
    /// Both.
    pub migrating: bool,
}

impl CredentialKinds {
    /// The words of the store; what is not asked for is a word that there is not.
    fn words(self) -> [&'static str; 5] {
        let if_asked = |asked, word| if asked { word } else { "" };
        [
            if_asked(self.jwt, "jwt"),
            if_asked(self.jwt, "jwt_cancelled"),
            if_asked(self.oauth, "oauth"),
            if_asked(self.oauth, "jwt_completed"),
            if_asked(self.migrating, "jwt_paired"),
        ]
    }
}

/// What fits a [`NumberedFilter`], by its parameters.
macro_rules! fits {
    () => {
        " FROM projects p
        WHERE p.org_id = $1
            AND ($2 = '' OR p.title = $2)
            AND ($3 = '' OR p.kind = $3)
            AND ($4 = '' OR $4 LIKE '%,' || p.id || ',%')
            AND ($5 = '' OR EXISTS
                (SELECT 1 FROM credentials c
                    WHERE c.project_id = p.id AND c.grants IN ($6, $7, $8, $9, $10)))"
    };
}

/// SQL text is static, and one list of columns is better than eight.
macro_rules! by {
    ($key:literal, $direction:literal) => {
        concat!(
            "SELECT p.id, p.org_id, p.name, p.title, p.description, p.kind, p.disabled_at, \
                p.created_at, p.created_by, p.changed_at, p.changed_by, p.active_at, p.revision",
            fits!(),
            " ORDER BY p.",
            $key,
            " ",
            $direction,
            ", p.id ",
            $direction,
            " LIMIT $11 OFFSET $12"
        )
    };
}

impl NumberedPage {
    /// Most projects of one page.
    pub const MAX: u32 = 10_000;
}

/// Projects of an organization by number.
///
/// # Errors
/// [`Error`].
pub async fn list(
    r: &mut impl Reads,
    org_id: &OrgId,
    filter: &NumberedFilter,
    page: &NumberedPage,
) -> Result<Vec<Project>, Error> {
    let text = match (page.sort, page.direction) {
        (Sort::Changed, Direction::Ascending) => by!("changed_at", "ASC"),
        (Sort::Changed, Direction::Descending) => by!("changed_at", "DESC"),
        (Sort::Created, Direction::Ascending) => by!("created_at", "ASC"),
        (Sort::Created, Direction::Descending) => by!("created_at", "DESC"),
        (Sort::Active, Direction::Ascending) => by!("active_at", "ASC"),
        (Sort::Active, Direction::Descending) => by!("active_at", "DESC"),
        (Sort::Title, Direction::Ascending) => by!("title_key", "ASC"),
        (Sort::Title, Direction::Descending) => by!("title_key", "DESC"),
    };
    let listed = filtered(text, org_id, filter)
        .bind(i64::from(page.size.min(NumberedPage::MAX)))
        .bind(i64::from(page.skip));
    r.session().list("projects", listed, read).await
}

/// How many projects of an organization fit.
///
/// # Errors
/// [`Error`].
pub async fn count(
    r: &mut impl Reads,
    org_id: &OrgId,
    filter: &NumberedFilter,
) -> Result<u64, Error> {
    const COUNT: &str = concat!("SELECT 'all' AS id, COUNT(*) AS projects", fits!());
    let counted = filtered(COUNT, org_id, filter);
    let found = r
        .session()
        .find("projects", counted, |row| row.count("projects"));
    Ok(found.await?.unwrap_or_default())
}

fn filtered(text: &'static str, org_id: &OrgId, filter: &NumberedFilter) -> Query {
    let ids = filter.ids.iter().map(|id| format!("{id},"));
    let ids: String = ids.collect();
    let by_credentials = if filter.with.is_some() { "yes" } else { "" };
    let begun = query(text)
        .bind(org_id.as_str())
        .bind(storable(&filter.title))
        .bind(filter.kind.map_or("", ProjectKind::as_str))
        .bind(if ids.is_empty() {
            ids
        } else {
            format!(",{ids}")
        })
        .bind(by_credentials);
    let words = filter.with.unwrap_or_default().words();
    words
        .into_iter()
        .fold(begun, |query, word| query.bind(word))
}
