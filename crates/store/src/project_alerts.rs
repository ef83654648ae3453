//! Who else is told of what ends in a project, and whether anybody is.

use std::collections::HashMap;
use std::sync::LazyLock;

use countersign_model::{ProjectAlerts, SignInName};
use countersign_wire::ProjectId;
use sqlx::query;

use crate::db::{Reads, Sealed as _, Write};
use crate::error::Error;
use crate::many::{filled, of_many};
use crate::row::{Row, millis};

const TABLE: &str = "project_alerts";

/// The alerts of a project.
///
/// # Errors
/// [`Error`].
pub async fn find(r: &mut impl Reads, id: &ProjectId) -> Result<ProjectAlerts, Error> {
    let mut found = of_projects(r, std::slice::from_ref(id)).await?;
    Ok(found.remove(id).unwrap_or_default())
}

/// The alerts of these projects, where somebody has set them.
///
/// # Errors
/// [`Error`].
pub async fn of_projects(
    r: &mut impl Reads,
    projects: &[ProjectId],
) -> Result<HashMap<ProjectId, ProjectAlerts>, Error> {
    static LIST: LazyLock<String> = LazyLock::new(|| of_many(TEXT, 1));
    const TEXT: &str = "
        SELECT project_id, paused_at, addresses, revision
        FROM project_alerts
        WHERE project_id IN (VALUES $rows)";
    let mut found = HashMap::new();
    for rows in filled(projects) {
        let listed = rows.fold(query(LIST.as_str()), |listed, id| {
            listed.bind(id.map_or("", |id| id.as_str()))
        });
        found.extend(r.session().list(TABLE, listed, read).await?);
    }
    Ok(found)
}

/// Saves the alerts of a project, and counts their revision up by one.
///
/// # Errors
/// [`Error::Conflict`] unless `alerts.revision` is the stored one.
pub async fn save(w: &mut Write, id: &ProjectId, alerts: &ProjectAlerts) -> Result<(), Error> {
    const INSERT: &str = "
        INSERT INTO project_alerts (project_id, paused_at, addresses, revision)
        VALUES ($1, $2, $3, 1)";
    const SAVE: &str = "
        UPDATE project_alerts
        SET paused_at = $2, addresses = $3, revision = revision + 1
        WHERE project_id = $1 AND revision = $4";
    let others: Vec<_> = alerts.others.iter().map(SignInName::as_str).collect();
    let bound = |text| {
        query(text)
            .bind(id.as_str())
            .bind(millis(alerts.paused_at))
            .bind(others.join(" "))
    };
    if alerts.revision > 0 {
        return w
            .session()
            .change_one(bound(SAVE).bind(alerts.revision))
            .await;
    }
    match w.session().execute(bound(INSERT)).await {
        Err(Error::Duplicate) => Err(Error::Conflict),
        inserted => inserted.map(|_| ()),
    }
}

fn read(row: &Row<'_>) -> Result<(ProjectId, ProjectAlerts), Error> {
    let addresses = row.text("addresses")?;
    let others = addresses.split_whitespace().map(SignInName::parse);
    let alerts = ProjectAlerts {
        paused_at: row.maybe_at("paused_at")?,
        others: others
            .collect::<Result<_, _>>()
            .map_err(|_| row.corrupt("addresses"))?,
        revision: row.number("revision")?,
    };
    Ok((row.parsed("project_id")?, alerts))
}
