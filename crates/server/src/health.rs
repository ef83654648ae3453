//! Whether the process lives, and whether it should be given work. Source: REL-40, REL-42.

use std::sync::Arc;

use axum::Router;
use axum::response::IntoResponse as _;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use http::header;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::kit::problem::JSON;

/// How one part of the installation is doing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Condition {
    /// All is well.
    Fine,
    /// It works, but somebody should look: the sentence says why. Does not fail readiness.
    Degraded(String),
    /// No work should be sent here: the sentence says why.
    Failed(String),
}

/// Named checks that decide about readiness.
///
/// A check reads a value that somebody else keeps current; it does no input or output itself, so
/// that readiness answers under load and while the database is away.
#[derive(Default)]
pub struct Readiness {
    checks: Vec<(&'static str, Check)>,
}

type Check = Box<dyn Fn() -> Condition + Send + Sync>;

impl Readiness {
    /// Adds a check.
    #[must_use]
    pub fn with(
        mut self,
        name: &'static str,
        check: impl Fn() -> Condition + Send + Sync + 'static,
    ) -> Self {
        self.checks.push((name, Box::new(check)));
        self
    }

    /// `GET /healthz`, which only says that the process answers, and `GET /readyz`, which says
    /// no from the moment `drain` is cancelled.
    pub fn routes(self, drain: CancellationToken) -> Router {
        let readiness = Arc::new(self);
        let ready = move || {
            let report = readiness.report(drain.is_cancelled());
            std::future::ready(report.into_response())
        };
        Router::new()
            .route(
                "/healthz",
                get(async || json(StatusCode::OK, &Alive { status: "ok" })),
            )
            .route("/readyz", get(ready))
    }

    fn report(&self, draining: bool) -> Report {
        let check = |(name, check): &(&'static str, Check)| Named::new(name, check());
        let checks: Vec<_> = self.checks.iter().map(check).collect();
        let any = |status| checks.iter().any(|check| check.status == status);
        let status = match (draining, any(Status::Failed), any(Status::Degraded)) {
            (true, _, _) => Status::Draining,
            (_, true, _) => Status::Failed,
            (_, _, true) => Status::Degraded,
            _ => Status::Ok,
        };
        Report { status, checks }
    }
}

#[derive(Serialize)]
struct Alive {
    status: &'static str,
}

#[derive(Serialize)]
struct Report {
    status: Status,
    checks: Vec<Named>,
}

impl Report {
    fn into_response(self) -> Response {
        let code = match self.status {
            Status::Ok | Status::Degraded => StatusCode::OK,
            Status::Failed | Status::Draining => StatusCode::SERVICE_UNAVAILABLE,
        };
        json(code, &self)
    }
}

#[derive(Clone, Copy, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Degraded,
    Failed,
    Draining,
}

#[derive(Serialize)]
struct Named {
    name: &'static str,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Named {
    fn new(name: &'static str, condition: Condition) -> Self {
        let (status, reason) = match condition {
            Condition::Fine => (Status::Ok, None),
            Condition::Degraded(reason) => (Status::Degraded, Some(reason)),
            Condition::Failed(reason) => (Status::Failed, Some(reason)),
        };
        Self {
            name,
            status,
            reason,
        }
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let headers = [
        (header::CONTENT_TYPE, JSON),
        (
            header::CACHE_CONTROL,
            http::HeaderValue::from_static("no-store"),
        ),
    ];
    let body = serde_json::to_string(body).expect("plain structs of text always serialize");
    (status, headers, body).into_response()
}
