//! The calendar of an organization: whoever has its link reads dates, and nobody else does.

use std::time::Duration;

use countersign_authority::NewWave;
use countersign_model::{DeprecationPolicy, Role};
use countersign_testkit::app::operator;
use countersign_testkit::{Answer, Assertion, ISSUER, TestApp, keys};
use countersign_wire::{OrgId, WaveName};

on_both_engines!(
    the_link_shows_names_and_dates,
    a_link_that_was_replaced_or_withdrawn_opens_nothing,
    only_administrators_have_the_link,
);

async fn path(app: &TestApp, org: &OrgId) -> String {
    let by = operator();
    let found = app.authority.find_organization(org, &by).await.unwrap();
    format!("/console/organizations/{}", found.numeric_id)
}

/// The link of the page that shows it once, without its origin.
fn link(page: &Answer) -> String {
    assert_eq!(page.status, 200, "{}", page.body);
    let at = page.body.find(&format!("{ISSUER}/console")).unwrap();
    let link = page.body[at + ISSUER.len()..].split('<').next().unwrap();
    link.to_owned()
}

async fn fetch(app: &TestApp, link: &str) -> Answer {
    app.anonymous().get(link).send().await
}

async fn the_link_shows_names_and_dates(app: &TestApp) {
    let org = app.organization().await;
    let place = path(app, &org).await;
    let client = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    let end = app.now().plus(Duration::from_secs(40 * 86_400));
    let (by, label) = (operator(), "blue, or so".to_owned());
    let added = app.authority.add_secret(&client.id, label, Some(end), &by);
    added.await.unwrap();
    let policy = DeprecationPolicy {
        final_on: Some("2026-12-24".parse().unwrap()),
        ..DeprecationPolicy::default()
    };
    app.set_policy(Some(&org), policy).await;
    let wave = NewWave {
        name: WaveName::parse("first").unwrap(),
        note: String::new(),
        start_on: Some("2026-03-13".parse().unwrap()),
        disable_on: Some("2026-05-01".parse().unwrap()),
    };
    app.authority.create_wave(&org, wave, &by).await.unwrap();
    let elsewhere = app.organization().await;
    let other = app.jwt(&elsewhere, &["DocCloudSDK"], keys::second()).await;
    let ada = app
        .person(&org, "ada@example.com", Role::SystemAdministrator)
        .await;

    // A half in quarantine that somebody tries is deleted on a day, too.
    let tried = app.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    app.disable_jwt_half(&tried).await;
    let assertion = Assertion::of(&tried, app.now()).sign();
    let refused = app.anonymous().exchange(&tried, &assertion).await;
    assert_eq!(refused.status, 400);
    app.authority.flush().await;

    let link = link(&ada.post(&format!("{place}/calendar"), &[]).await);
    assert!(
        link.starts_with(&format!("{place}/calendar.ics?token=")),
        "{link}"
    );
    let calendar = fetch(app, &link).await;

    assert_eq!(calendar.status, 200);
    assert_eq!(
        calendar.header("content-type"),
        Some("text/calendar; charset=utf-8")
    );
    let text = calendar.body.replace("\r\n ", "");
    for line in [
        "SUMMARY:Nightly sync: client secret \"blue\\, or so\" (ends in ",
        "SUMMARY:Nightly sync: Service Account (JWT) ends on 2026-12-24",
        "SUMMARY:from 2026-12-24 on\\, Service Account (JWT) credentials get no tokens",
        "SUMMARY:Nightly sync: the disabled JWT half is still tried (once\\, last on 2026-02-01",
        "DTSTART;VALUE=DATE:20260313",
        "DTSTART;VALUE=DATE:20260208",
        "UID:policy_date-final_on-",
        "UID:wave-start-first-",
        "SUMMARY:Migration: disable the JWT halves of wave first (0 credentials)",
        "DTSTART;VALUE=DATE:20260501",
    ] {
        assert!(text.contains(&format!("\r\n{line}")), "{line}: {text}");
    }
    // The certificate outlives the JWT half: that it ends is no news.
    assert_eq!(text.matches("BEGIN:VEVENT").count(), 6, "{text}");
    assert!(text.contains(client.client_id.as_str()));
    assert!(!text.contains(&client.secret) && !text.contains(other.client_id.as_str()));
    // The same day keeps its name, whenever it is read.
    app.advance(Duration::from_secs(86_400));
    let uids = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with("UID:"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(uids(&fetch(app, &link).await.body), uids(&calendar.body));
}

async fn a_link_that_was_replaced_or_withdrawn_opens_nothing(app: &TestApp) {
    let org = app.organization().await;
    let place = path(app, &org).await;
    let elsewhere = path(app, &app.organization().await).await;
    let ada = app
        .person(&org, "ada@example.com", Role::SystemAdministrator)
        .await;
    let make = format!("{place}/calendar");
    let first = link(&ada.post(&make, &[]).await);
    let second = link(&ada.post(&make, &[]).await);

    let nothing = fetch(app, &format!("{place}/calendar.ics")).await;
    assert_eq!(nothing.status, 404);
    assert_eq!(fetch(app, &second).await.status, 200);
    for other in [
        first.clone(),
        second.replace(&place, &elsewhere),
        format!("{second}x"),
    ] {
        let refused = fetch(app, &other).await;
        assert_eq!(
            (refused.status, &refused.body),
            (404, &nothing.body),
            "{other}"
        );
    }
    let shown = ada.get(&format!("{place}/policy")).await.body;
    assert!(shown.contains("There is a link, made by"), "{shown}");
    let token = second.split('=').next_back().unwrap();
    assert!(!shown.contains(token), "it is shown once");
    assert_eq!(ada.post(&format!("{make}/withdraw"), &[]).await.status, 303);
    assert_eq!(fetch(app, &second).await.status, 404);
    let actions = "SELECT action FROM audit WHERE action LIKE 'calendar%' ORDER BY action";
    let actions = app.database.query(actions).await;
    assert_eq!(
        actions,
        ["calendar.linked", "calendar.linked", "calendar.unlinked"]
    );
}

async fn only_administrators_have_the_link(app: &TestApp) {
    let org = app.organization().await;
    let place = path(app, &org).await;
    for (name, role) in [
        ("v@example.com", Role::Viewer),
        ("d@example.com", Role::Developer),
    ] {
        let person = app.person(&org, name, role).await;
        let policy = person.get(&format!("{place}/policy")).await;
        assert!(policy.status == 200 && !policy.body.contains("Calendar"));
        for end in ["calendar", "calendar/withdraw"] {
            let refused = person.post(&format!("{place}/{end}"), &[]).await;
            assert_eq!(refused.status, 403, "{end}");
        }
    }
}
