//! Logs of an environment: which there are, and their lines.

use std::time::Duration;

use axum::response::IntoResponse;
use countersign_wire::Timestamp;
use http::{HeaderValue, header};
use serde_json::{Value, json};

use super::address::{href_of_environment, href_of_program};
use super::hal::{Links, resource};
use super::landscape::{Environment, Program};
use super::problem::Problem;
use super::view::{Ids, View};
use super::{Answer, Hal};

/// Services and the logs that they write.
pub const OPTIONS: [(&str, &str); 6] = [
    ("author", "aemerror"),
    ("author", "aemaccess"),
    ("publish", "aemerror"),
    ("publish", "aemaccess"),
    ("dispatcher", "httpdaccess"),
    ("dispatcher", "aemdispatcher"),
];

/// `GET …/logs?service=&name=&days=`: the files of the last days, newest first.
pub async fn list(view: View, Ids([program, environment]): Ids<2>) -> Answer {
    let program = view.program(&program)?;
    let environment = view.environment(program, &environment)?;
    let (service, name) = log(&view, ["service", "name", "days"])?;
    let days = view.parameter("days").and_then(|days| days.parse().ok());
    let Some(days @ 1..=7) = days else {
        return Err(Problem::InvalidParameter {
            name: "days",
            reason: "value must be from 1 to 7",
        });
    };
    let href = href_of_environment(program, environment);
    let dates = (0..days).map(|ago| view.now.minus(DAY * ago).date());
    let downloads: Vec<Value> = dates
        .map(|date| file(program, environment, service, name, &date))
        .collect();
    let members = json!({
        "service": [service],
        "name": [name],
        "days": days,
        "_embedded": { "downloads": downloads },
    });
    let links = Links::of(format!(
        "{href}/logs?service={service}&name={name}&days={days}"
    ))
    .to("program", href_of_program(program))
    .to("environment", href);
    Ok(Hal(resource(members, links)))
}

fn file(
    program: &Program,
    environment: &Environment,
    service: &str,
    name: &str,
    date: &str,
) -> Value {
    let href = format!(
        "{}/logs/download?service={service}&name={name}&date={date}",
        href_of_environment(program, environment),
    );
    json!({
        "service": service,
        "name": name,
        "date": date,
        "programId": program.id,
        "environmentId": environment.id,
        "_links": { (format!("{}logs/download", super::hal::RELATIONS)): { "href": href, "templated": false } },
    })
}

/// `GET …/logs/download`: the lines themselves. The original redirects to a file store, which a
/// sample has none of.
pub async fn download(
    view: View,
    Ids([program, environment]): Ids<2>,
) -> Result<impl IntoResponse, Problem> {
    let program = view.program(&program)?;
    let environment = view.environment(program, &environment)?;
    let (service, name) = log(&view, ["service", "name", "date"])?;
    let date = view.parameter("date").unwrap_or_default();
    let midnight: Timestamp = date.parse().map_err(|_| Problem::InvalidParameter {
        name: "date",
        reason: "value must be a date such as 2026-02-01",
    })?;
    let midnight = Timestamp::from_seconds(midnight.as_seconds().div_euclid(86_400) * 86_400);
    let passed = view.now.since(midnight).min(DAY);
    let hours = (passed.as_secs() / 3_600) as u32;
    let lines = (0..=hours).map(|hour| {
        let at = super::hal::date(midnight.plus(Duration::from_secs(3_600) * hour));
        format!(
            "{at} *INFO* [{}-{service}] {name}: all is well\n",
            environment.name
        )
    });
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, text)], lines.collect::<String>()))
}

/// The log that the query names.
fn log(view: &View, needed: [&'static str; 3]) -> Result<(&'static str, &'static str), Problem> {
    let missing: Vec<&str> = needed
        .into_iter()
        .filter(|name| view.parameter(name).is_none())
        .collect();
    if !missing.is_empty() {
        return Err(Problem::MissingParameters(missing));
    }
    let asked = (view.parameter("service"), view.parameter("name"));
    let known = OPTIONS
        .into_iter()
        .find(|(service, name)| asked == (Some(service), Some(name)));
    known.ok_or(Problem::InvalidParameter {
        name: "name",
        reason: "the environment has no such log: see its availableLogOptions",
    })
}

const DAY: Duration = Duration::from_secs(86_400);
