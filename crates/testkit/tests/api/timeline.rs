//! The timeline of the deprecation notice, with a moved clock: on each of its days, and at the last
//! moment before, what becomes of a credential that was made in January 2023. Source:
//! ims-protocol 7.1, 7.2; aem-integrations 1, 2; decision 5.
//!
//! The tables read as the notice does. `yes` is done, and nobody is warned; `warned` is done with
//! the date from which on it is deprecated, and, behind `until`, the one on which it ends; `no` is
//! refused with the date since when; `read-only` is refused whatever the date is. *By itself* is
//! what the background work does on that day with a credential that nobody touched.
//!
//! Where ims-protocol 7.2 has no migration before the deprecation, we have one: whoever wants to
//! be early is not stopped.

use countersign_authority::{ManageError, NewCertificate, NewCredential, NewGrant};
use countersign_model::deprecation::Preset;
use countersign_model::{Grants, Migration, Origin, Role};
use countersign_testkit::app::operator;
use countersign_testkit::{Answer, Assertion, Setup, TestApp, TestClient, TestDatabase, keys};
use countersign_wire::{OrgId, Timestamp};
use serde_json::json;

use crate::caller::{Program, problem, program};

/// As it was announced in 2023: two dates, and nothing works from the second one on.
const NOTICE_2023: &str = "
    day                     | credential     | last certificate | create                  | add certificate | exchange                | migrate   | by itself
    2023-04-30T23:59:59.999Z| ordinary       | 2027-01-01       | yes                     | yes             | yes                     | yes       | nothing
    2023-04-30T23:59:59.999Z| auto-generated | 2027-01-01       | yes                     | read-only       | yes                     | read-only | nothing
    2023-04-30T23:59:59.999Z| AEM            | 2027-01-01       | yes                     | yes             | yes                     | yes       | nothing
    2023-05-01              | ordinary       | 2027-01-01       | warned until 2025-01-01 | yes             | warned until 2025-01-01 | yes       | nothing
    2023-05-01              | auto-generated | 2027-01-01       | yes                     | read-only       | warned until 2025-01-01 | read-only | nothing
    2023-05-01              | AEM            | 2027-01-01       | yes                     | yes             | yes                     | yes       | nothing
    2024-04-30T23:59:59.999Z| ordinary       | 2027-01-01       | warned until 2025-01-01 | yes             | warned until 2025-01-01 | yes       | nothing
    2024-05-01              | ordinary       | 2027-01-01       | no since 2024-05-01     | yes             | warned until 2025-01-01 | yes       | nothing
    2024-05-01              | auto-generated | 2027-01-01       | no since 2024-05-01     | read-only       | warned until 2025-01-01 | read-only | nothing
    2024-05-01              | AEM            | 2027-01-01       | yes                     | yes             | yes                     | yes       | nothing
    2024-05-02              | ordinary       | 2027-01-01       | no since 2024-05-01     | yes             | warned until 2025-01-01 | yes       | nothing
    2024-08-03T23:59:59.999Z| auto-generated | 2027-01-01       | no since 2024-05-01     | read-only       | warned until 2025-01-01 | read-only | nothing
    2024-08-04              | auto-generated | 2027-01-01       | no since 2024-05-01     | read-only       | warned until 2025-01-01 | read-only | started
    2024-08-04              | ordinary       | 2027-01-01       | no since 2024-05-01     | yes             | warned until 2025-01-01 | yes       | nothing
    2024-12-31T23:59:59.999Z| ordinary       | 2027-01-01       | no since 2024-05-01     | yes             | warned until 2025-01-01 | yes       | nothing
    2024-12-31T23:59:59.999Z| auto-generated | 2027-01-01       | no since 2024-05-01     | read-only       | warned until 2025-01-01 | read-only | started
    2024-12-31T23:59:59.999Z| ordinary       | 2024-12-01       | no since 2024-05-01     | yes             | expired                 | yes       | nothing
    2025-01-01              | ordinary       | 2027-01-01       | no since 2024-05-01     | no since 2025-01-01 | no since 2025-01-01 | yes       | converted
    2025-01-01              | ordinary       | 2024-12-01       | no since 2024-05-01     | no since 2025-01-01 | no since 2025-01-01 | yes       | converted
    2025-01-01              | auto-generated | 2027-01-01       | no since 2024-05-01     | read-only       | no since 2025-01-01     | read-only | converted
    2025-01-01              | AEM            | 2027-01-01       | yes                     | yes             | yes                     | yes       | nothing
    2025-01-02              | ordinary       | 2027-01-01       | no since 2024-05-01     | no since 2025-01-01 | no since 2025-01-01 | yes       | converted
    2025-01-02              | AEM            | 2027-01-01       | yes                     | yes             | yes                     | yes       | nothing
";

/// As it was moved. The notice says after 3 Jun 2024 and after 30 Jun 2025: those days still count
/// as before.
const AS_IT_WENT: &str = "
    day                     | credential     | last certificate | create                  | add certificate | exchange                | migrate   | by itself
    2023-04-30T23:59:59.999Z| ordinary       | 2027-01-01       | yes                     | yes             | yes                     | yes       | nothing
    2023-04-30T23:59:59.999Z| auto-generated | 2027-01-01       | yes                     | read-only       | yes                     | read-only | nothing
    2023-04-30T23:59:59.999Z| AEM            | 2027-01-01       | yes                     | yes             | yes                     | yes       | nothing
    2023-05-01              | ordinary       | 2027-01-01       | warned until 2025-07-01 | yes             | warned until 2026-03-01 | yes       | nothing
    2023-05-01              | auto-generated | 2027-01-01       | yes                     | read-only       | warned until 2026-03-01 | read-only | nothing
    2023-05-01              | AEM            | 2027-01-01       | yes                     | yes             | yes                     | yes       | nothing
    2024-06-03T23:59:59.999Z| ordinary       | 2027-01-01       | warned until 2025-07-01 | yes             | warned until 2026-03-01 | yes       | nothing
    2024-06-03T23:59:59.999Z| auto-generated | 2027-01-01       | yes                     | read-only       | warned until 2026-03-01 | read-only | nothing
    2024-06-04              | ordinary       | 2027-01-01       | no since 2024-06-04     | yes             | warned until 2026-03-01 | yes       | nothing
    2024-06-04              | auto-generated | 2027-01-01       | no since 2024-06-04     | read-only       | warned until 2026-03-01 | read-only | nothing
    2024-06-04              | AEM            | 2027-01-01       | yes                     | yes             | yes                     | yes       | nothing
    2024-06-05              | ordinary       | 2027-01-01       | no since 2024-06-04     | yes             | warned until 2026-03-01 | yes       | nothing
    2025-01-31T23:59:59.999Z| auto-generated | 2027-01-01       | no since 2024-06-04     | read-only       | warned until 2026-03-01 | read-only | nothing
    2025-02-01              | auto-generated | 2027-01-01       | no since 2024-06-04     | read-only       | warned until 2026-03-01 | read-only | started
    2025-02-01              | ordinary       | 2027-01-01       | no since 2024-06-04     | yes             | warned until 2026-03-01 | yes       | nothing
    2025-06-30T23:59:59.999Z| ordinary       | 2027-01-01       | no since 2024-06-04     | yes             | warned until 2026-03-01 | yes       | nothing
    2025-06-30T23:59:59.999Z| ordinary       | 2025-10-01       | no since 2024-06-04     | yes             | warned until 2025-10-01 | yes       | nothing
    2025-06-30T23:59:59.999Z| ordinary       | 2025-06-01       | no since 2024-06-04     | yes             | expired                 | yes       | nothing
    2025-06-30T23:59:59.999Z| auto-generated | 2027-01-01       | no since 2024-06-04     | read-only       | warned until 2026-03-01 | read-only | started
    2025-07-01              | ordinary       | 2027-01-01       | no since 2024-06-04     | no since 2025-07-01 | warned until 2026-03-01 | yes       | nothing
    2025-07-01              | ordinary       | 2025-10-01       | no since 2024-06-04     | no since 2025-07-01 | warned until 2025-10-01 | yes       | nothing
    2025-07-01              | ordinary       | 2025-06-01       | no since 2024-06-04     | no since 2025-07-01 | expired             | yes       | converted
    2025-07-01              | auto-generated | 2027-01-01       | no since 2024-06-04     | read-only       | warned until 2026-03-01 | read-only | started
    2025-07-01              | auto-generated | 2025-06-01       | no since 2024-06-04     | read-only       | expired                 | read-only | converted
    2025-07-01              | AEM            | 2027-01-01       | yes                     | yes             | yes                     | yes       | nothing
    2025-07-01              | AEM            | 2025-06-01       | yes                     | yes             | expired                 | yes       | nothing
    2025-07-02              | ordinary       | 2025-10-01       | no since 2024-06-04     | no since 2025-07-01 | warned until 2025-10-01 | yes       | nothing
    2025-09-30T23:59:59.999Z| ordinary       | 2025-10-01       | no since 2024-06-04     | no since 2025-07-01 | warned until 2025-10-01 | yes       | nothing
    2025-10-01              | ordinary       | 2025-10-01       | no since 2024-06-04     | no since 2025-07-01 | expired             | yes       | converted
    2025-10-01              | ordinary       | 2027-01-01       | no since 2024-06-04     | no since 2025-07-01 | warned until 2026-03-01 | yes       | nothing
    2026-02-28T23:59:59.999Z| ordinary       | 2027-01-01       | no since 2024-06-04     | no since 2025-07-01 | warned until 2026-03-01 | yes       | nothing
    2026-02-28T23:59:59.999Z| auto-generated | 2027-01-01       | no since 2024-06-04     | read-only       | warned until 2026-03-01 | read-only | started
    2026-03-01              | ordinary       | 2027-01-01       | no since 2024-06-04     | no since 2025-07-01 | no since 2026-03-01 | yes       | converted
    2026-03-01              | ordinary       | 2025-10-01       | no since 2024-06-04     | no since 2025-07-01 | no since 2026-03-01 | yes       | converted
    2026-03-01              | auto-generated | 2027-01-01       | no since 2024-06-04     | read-only       | no since 2026-03-01     | read-only | converted
    2026-03-01              | AEM            | 2027-01-01       | yes                     | yes             | yes                     | yes       | nothing
    2026-03-02              | ordinary       | 2027-01-01       | no since 2024-06-04     | no since 2025-07-01 | no since 2026-03-01 | yes       | converted
    2026-03-02              | AEM            | 2027-01-01       | yes                     | yes             | yes                     | yes       | nothing
";

/// As a new installation begins: deprecated, with no end.
const OPEN: &str = "
    day                     | credential     | last certificate | create | add certificate | exchange | migrate   | by itself
    2023-05-01              | ordinary       | 2027-01-01       | warned | yes             | warned   | yes       | nothing
    2026-12-31              | ordinary       | 2027-01-01       | warned | yes             | warned   | yes       | nothing
    2026-12-31              | ordinary       | 2025-10-01       | warned | yes             | expired  | yes       | nothing
    2026-12-31              | auto-generated | 2027-01-01       | yes    | read-only       | warned   | read-only | nothing
    2026-12-31              | AEM            | 2027-01-01       | yes    | yes             | yes      | yes       | nothing
";

macro_rules! replayed {
    ($($name:ident: $preset:ident, $table:ident;)+) => {
        mod sqlite {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let database = super::TestDatabase::sqlite().await;
                super::replay(database, super::Preset::$preset, super::$table).await;
            }
        )+}

        mod postgres {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let Some(database) = super::TestDatabase::postgres().await else { return };
                super::replay(database, super::Preset::$preset, super::$table).await;
            }
        )+}
    };
}

replayed! {
    the_first_notice: Notice2023, NOTICE_2023;
    the_dates_as_they_were_moved: AsItWent, AS_IT_WENT;
    no_dates_at_all: Open, OPEN;
}

/// When every credential of the tables was made.
const MADE: &str = "2023-01-01";

async fn replay(database: TestDatabase, preset: Preset, table: &str) {
    let setup = Setup {
        leads: false,
        ..Setup::default()
    };
    let app = TestApp::on(database, setup).await;
    app.set_policy(None, preset.policy()).await;
    let lines = table.lines().map(str::trim).filter(|line| !line.is_empty());
    let rows: Vec<_> = lines.skip(1).map(Row::parse).collect();
    // One, because organizations do not share keys.
    let org = app.organization().await;
    for (number, row) in rows.iter().enumerate() {
        row.holds(&app, &org, number).await;
    }
    app.remove().await;
}

/// What is expected of a credential on a day.
struct Row<'a> {
    line: &'a str,
    day: Timestamp,
    origin: Origin,
    last_certificate: Timestamp,
    create: Cell,
    add_certificate: Cell,
    exchange: Cell,
    migrate: Cell,
    by_itself: &'a str,
}

/// What becomes of an action.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Cell {
    Yes,
    /// As an HTTP date.
    Warned {
        until: Option<String>,
    },
    No {
        since: Timestamp,
    },
    Expired,
    ReadOnly,
}

impl Cell {
    fn parse(text: &str) -> Self {
        let words: Vec<_> = text.split_whitespace().collect();
        match words[..] {
            ["yes"] => Self::Yes,
            ["warned"] => Self::Warned { until: None },
            ["warned", "until", date] => Self::Warned {
                until: Some(http_date(date)),
            },
            ["no", "since", date] => Self::No {
                since: date.parse().unwrap(),
            },
            ["expired"] => Self::Expired,
            ["read-only"] => Self::ReadOnly,
            _ => panic!("`{text}` is no word of the tables"),
        }
    }
}

impl<'a> Row<'a> {
    fn parse(line: &'a str) -> Self {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [
            day,
            credential,
            last,
            create,
            add,
            exchange,
            migrate,
            by_itself,
        ] = cells[..]
        else {
            panic!("{line}: a row has eight cells");
        };
        Self {
            line,
            day: day.parse().unwrap(),
            origin: match credential {
                "ordinary" => Origin::Console,
                "auto-generated" => Origin::AutoGenerated,
                "AEM" => Origin::AemDeveloperConsole,
                other => panic!("{other} is no kind of credential"),
            },
            last_certificate: last.parse().unwrap(),
            create: Cell::parse(create),
            add_certificate: Cell::parse(add),
            exchange: Cell::parse(exchange),
            migrate: Cell::parse(migrate),
            by_itself,
        }
    }

    /// Does everything of a row, with credentials of its own.
    async fn holds(&self, app: &TestApp, org: &OrgId, number: usize) {
        app.set_date(MADE);
        let acted = app.create(self.described(app, org).await, Some(keys::first()));
        let acted = acted.await;
        let left = app.create(self.described(app, org).await, Some(keys::first()));
        let left = left.await;
        app.clock.set(self.day);
        let who = format!("bob{number}@example.com");
        let bob = program(app, org, &who, Role::Developer).await;

        let is = |what: &str, found: Cell, expected: &Cell| {
            assert_eq!(found, *expected, "{what}, in the row {}", self.line);
        };
        is("exchange", exchanged(app, &acted).await, &self.exchange);
        let added = certified(app, &bob, &acted).await;
        is("add certificate", added, &self.add_certificate);
        is("create", self.created(app, &bob, org).await, &self.create);
        is("migrate", migrated(&bob, &acted).await, &self.migrate);
        let state = by_itself(app, &left).await;
        assert_eq!(state, self.by_itself, "by itself, in the row {}", self.line);
        // The work of the next row finds nothing of this one.
        for client in [acted, left] {
            let by = operator();
            let deleted = app.authority.delete_credential(&client.id, &by).await;
            deleted.unwrap();
        }
    }

    /// A credential of this kind whose one certificate ends as the row says.
    async fn described(&self, app: &TestApp, org: &OrgId) -> NewCredential {
        let certificate = keys::certificate(keys::first(), app.now(), self.last_certificate);
        let grant = NewGrant::Jwt(NewCertificate::Upload(certificate));
        let new = app.new_credential(org, grant, &["DocCloudSDK"]).await;
        NewCredential {
            origin: self.origin,
            ..new
        }
    }

    /// People make ordinary ones; the others come from products, by whoever runs the installation.
    async fn created(&self, app: &TestApp, bob: &Program<'_>, org: &OrgId) -> Cell {
        let certificate = app.certificate(keys::second());
        let grant = NewGrant::Jwt(certificate);
        let new = app.new_credential(org, grant, &["DocCloudSDK"]).await;
        if self.origin == Origin::Console {
            return created_by(bob, app, org, &new).await;
        }
        let new = NewCredential {
            origin: self.origin,
            ..new
        };
        match app.authority.create_credential(new, &operator()).await {
            Ok(_) => Cell::Yes,
            Err(error @ ManageError::Refused(_)) => refused(&error.to_string(), "created since "),
            Err(error) => panic!("{error}, in the row {}", self.line),
        }
    }
}

async fn created_by(bob: &Program<'_>, app: &TestApp, org: &OrgId, new: &NewCredential) -> Cell {
    let body = json!({
        "project_id": new.project_id, "name": new.name, "type": "service",
        "owner_team": new.owner.team, "owner_contact": new.owner.contact,
        "certificate": pem(app), "services": [{"service": "DocCloudSDK"}],
    });
    let answer = bob
        .post(&format!("/organizations/{org}/credentials"), &body)
        .await;
    let deprecation = match answer.status {
        201 => answer.json()["deprecation"].clone(),
        _ => return told(&answer, "created since "),
    };
    match deprecation["deprecated_on"].as_str() {
        None => Cell::Yes,
        Some(on) => {
            assert_eq!(on, "2023-05-01T00:00:00Z");
            let until = deprecation["sunset"].as_str();
            Cell::Warned {
                until: until.map(http_date),
            }
        }
    }
}

async fn certified(app: &TestApp, bob: &Program<'_>, client: &TestClient) -> Cell {
    let path = format!("{}/certificates", path(client));
    let answer = bob.post(&path, &json!({"certificate": pem(app)})).await;
    match answer.status {
        201 => Cell::Yes,
        _ => told(&answer, "credentials since "),
    }
}

async fn migrated(bob: &Program<'_>, client: &TestClient) -> Cell {
    let path = format!("{}/migration", path(client));
    let answer = bob.post(&path, &json!({"step": "start"})).await;
    match answer.status {
        200 => {
            assert_eq!(answer.json()["state"], "started");
            Cell::Yes
        }
        _ => told(&answer, "since "),
    }
}

async fn exchanged(app: &TestApp, client: &TestClient) -> Cell {
    let assertion = Assertion::of(client, app.now()).sign();
    let answer = app.anonymous().exchange(client, &assertion).await;
    let body = answer.json();
    let description = body["error_description"].as_str();
    match (answer.status, body["error"].as_str(), description) {
        (200, ..) => warned(&answer),
        (400, Some("invalid_client"), Some(why)) => {
            assert!(why.contains("/ims/token/v3"), "it says the way out: {why}");
            refused(why, "ended on ")
        }
        (
            400,
            Some("invalid_token"),
            Some("Could not match JWT signature to any of the bindings"),
        ) => Cell::Expired,
        _ => panic!("{answer:?}"),
    }
}

fn warned(answer: &Answer) -> Cell {
    let sunset = answer.header("sunset").map(str::to_owned);
    let Some(deprecation) = answer.header("deprecation") else {
        assert_eq!(sunset, None);
        return Cell::Yes;
    };
    assert_eq!(deprecation, "@1682899200");
    Cell::Warned { until: sunset }
}

fn http_date(date: &str) -> String {
    date.parse::<Timestamp>().unwrap().http_date()
}

/// What the work of that day makes of a credential that nobody touched.
async fn by_itself(app: &TestApp, client: &TestClient) -> &'static str {
    let lease = app.authority.take_lease().await.unwrap();
    let lease = lease.expect("nobody else");
    app.authority.work(lease).await.unwrap();
    let by = operator();
    let found = app.authority.find_credential(client.id.as_str(), &by);
    match found.await.unwrap().0.grants {
        Grants::Jwt(Migration::NotStarted) => "nothing",
        Grants::Jwt(Migration::Paired { .. }) => "started",
        Grants::Jwt(Migration::Disabled { .. }) => "converted",
        other => panic!("{other:?}"),
    }
}

/// What a problem says.
fn told(answer: &Answer, before_date: &str) -> Cell {
    let (status, code) = problem(answer);
    match (status, code.as_str()) {
        (403, "read_only") => Cell::ReadOnly,
        (409, "not_possible_now") => {
            refused(answer.json()["detail"].as_str().unwrap(), before_date)
        }
        _ => panic!("{answer:?}"),
    }
}

/// The date of a refusal, which says the way out, too.
fn refused(sentence: &str, before_date: &str) -> Cell {
    let way_out = "OAuth Server-to-Server";
    assert!(sentence.contains(way_out), "{sentence}");
    let date = sentence
        .split(before_date)
        .nth(1)
        .and_then(|rest| rest.get(..10));
    let date = date.unwrap_or_else(|| panic!("{sentence}"));
    Cell::No {
        since: date.parse().unwrap(),
    }
}

/// A certificate that somebody has today.
fn pem(app: &TestApp) -> String {
    let NewCertificate::Upload(pem) = app.certificate(keys::second()) else {
        panic!("it is made by the test");
    };
    String::from_utf8(pem).unwrap()
}

fn path(client: &TestClient) -> String {
    format!("/organizations/{}/credentials/{}", client.org_id, client.id)
}
