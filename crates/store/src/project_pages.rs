//! Projects in pages by number, for an API that counts pages. Far pages cost as much as all before
//! them: lists of our own go by key.

use countersign_model::Project;
use countersign_wire::OrgId;
use sqlx::query;

use crate::db::Reads;
use crate::error::Error;
use crate::page::Page;
use crate::project_search::{Direction, Sort};
use crate::projects::read;

/// Which part of a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NumberedPage {
    /// The order.
    pub sort: Sort,
    /// Which end comes first.
    pub direction: Direction,
    /// How many projects come before the page.
    pub skip: u32,
    /// Most projects of the page; at most [`Page::MAX`] are given.
    pub size: u32,
}

/// SQL text is static, and one list of columns is better than eight.
macro_rules! by {
    ($key:literal, $direction:literal) => {
        concat!(
            "SELECT id, org_id, name, title, description, kind, disabled_at, created_at, \
                created_by, changed_at, changed_by, active_at, revision
            FROM projects
            WHERE org_id = $1
            ORDER BY ",
            $key,
            " ",
            $direction,
            ", id ",
            $direction,
            " LIMIT $2 OFFSET $3"
        )
    };
}

/// Projects of an organization by number.
///
/// # Errors
/// [`Error`].
pub async fn list(
    r: &mut impl Reads,
    org_id: &OrgId,
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
    let listed = query(text)
        .bind(org_id.as_str())
        .bind(i64::from(page.size.min(Page::MAX)))
        .bind(i64::from(page.skip));
    r.session().list("projects", listed, read).await
}

/// How many projects an organization has.
///
/// # Errors
/// [`Error`].
pub async fn count(r: &mut impl Reads, org_id: &OrgId) -> Result<u64, Error> {
    const COUNT: &str = "
        SELECT 'all' AS id, COUNT(*) AS projects
        FROM projects
        WHERE org_id = $1";
    let counted = query(COUNT).bind(org_id.as_str());
    let found = r
        .session()
        .find("projects", counted, |row| row.count("projects"));
    Ok(found.await?.unwrap_or_default())
}
