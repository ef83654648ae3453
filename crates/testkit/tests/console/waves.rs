//! Waves of a migration, and many credentials at once, on the board.

use countersign_model::Role;
use countersign_testkit::app::operator;
use countersign_testkit::{Browser, Person, Site, TestApp, TestClient, keys};
use countersign_wire::OrgId;

use crate::on_both_engines;
use crate::steps::set_up;

/// More than a page of the board shows.
const MANY: usize = 55;

async fn board(app: &countersign_testkit::Node, org: &OrgId) -> String {
    let found = app.authority.find_organization(org, &operator()).await;
    let number = found.unwrap().numeric_id;
    format!("/console/organizations/{number}/migration")
}

async fn jwt(app: &TestApp, org: &OrgId, name: &str) -> TestClient {
    let grant = app.jwt_grant(keys::first());
    let mut new = app.new_credential(org, grant, &["DocCloudSDK"]).await;
    name.clone_into(&mut new.name);
    app.create(new, Some(keys::first())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_is_made_changed_and_deleted() {
    on_both_engines(made_changed_and_deleted).await;
}

async fn made_changed_and_deleted(app: &TestApp) {
    let org = app.organization().await;
    let board = board(app, &org).await;
    jwt(app, &org, "nightly").await;
    let ada = app.person(&org, "ada@example.com", Role::Developer).await;
    let fields = [
        ("name", "first"),
        ("note", "easy\r\nones"),
        ("start", "2026-03-01"),
        ("disable", "2026-04-01"),
    ];
    let path = format!("{board}/waves/first");
    let made = ada.post(&format!("{board}/new-wave"), &fields).await;
    assert_eq!((made.status, made.header("location")), (303, Some(&*path)));
    let again = ada.post(&format!("{board}/new-wave"), &fields).await;
    assert_eq!(again.status, 422, "{}", again.body);
    assert!(again.body.contains("taken"), "{}", again.body);
    let (early, late) = (("start", "2026-04-01"), ("disable", "2026-03-01"));
    for (wrong, told) in [
        (vec![("name", "a b")], "1 to 40 letters"),
        (vec![("name", "x"), ("start", "soon")], "no date"),
        (vec![("name", "x"), early, late], "2026-04-01"),
    ] {
        let refused = ada.post(&format!("{board}/new-wave"), &wrong).await;
        assert_eq!(refused.status, 422, "{wrong:?}");
        assert!(refused.body.contains(told), "{told}: {}", refused.body);
    }

    let shown = ada.get(&path).await.body;
    for text in ["easy\nones", "2026-03-01", "There is no credential in it"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    let changed = [
        ("revision", "0"),
        ("note", ""),
        ("start", ""),
        ("disable", "2026-05-01"),
    ];
    assert_eq!(ada.post(&path, &changed).await.status, 303);
    let stale = ada.post(&path, &changed).await;
    assert_eq!(stale.status, 422);
    assert!(stale.body.contains("somebody else") || stale.body.contains("Somebody else"));
    let list = ada.get(&format!("{board}/waves")).await.body;
    assert!(
        list.contains("2026-05-01") && !list.contains("2026-03-01"),
        "{list}"
    );
    let table = ada.get(&format!("{board}/waves.csv")).await;
    assert!(table.body.contains("\"first\""), "{}", table.body);

    // Who only looks sees it, and is told why there is nothing to do.
    let vera = app.person(&org, "vera@example.com", Role::Viewer).await;
    assert_eq!(vera.get(&path).await.status, 200);
    assert!(!vera.get(&board).await.body.contains("name=\"deed\""));
    for (path, fields) in [
        (format!("{board}/new-wave"), &fields[..]),
        (path.clone(), &changed[..]),
        (format!("{path}/delete"), &[("revision", "1")][..]),
        (
            format!("{board}/choose"),
            &[("deed", "start"), ("scope", "all")][..],
        ),
        (
            format!("{board}/act"),
            &[("deed", "start"), ("scope", "all")][..],
        ),
    ] {
        assert_eq!(vera.post(&path, fields).await.status, 403, "{path}");
    }
    let gone = ada
        .post(&format!("{path}/delete"), &[("revision", "1")])
        .await;
    assert_eq!(gone.status, 303, "{}", gone.body);
    assert_eq!(ada.get(&path).await.status, 404);
}

/// What a page's form would send besides the token.
fn hidden(page: &str) -> Vec<(String, String)> {
    let forms = crate::html::forms(page);
    let form = forms.iter().find(|form| form.action.ends_with("/act"));
    let fields = form.expect("a form that does it").fields.iter();
    fields
        .filter(|field| field.name != "form_token")
        .map(|field| (field.name.clone(), field.value.clone()))
        .collect()
}

/// Asks, and confirms; gives both pages.
async fn done(
    by: &Person,
    board: &str,
    fields: &[(&str, &str)],
) -> (String, countersign_testkit::Answer) {
    let asked = by.post(&format!("{board}/choose"), fields).await;
    assert_eq!(asked.status, 200, "{}", asked.body);
    let travelled = hidden(&asked.body);
    let travelled: Vec<_> = travelled
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let done = by.post(&format!("{board}/act"), &travelled).await;
    (asked.body, done)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ticked_or_found_is_planned_and_takes_steps() {
    on_both_engines(planned_and_taken).await;
}

async fn planned_and_taken(app: &TestApp) {
    let org = app.organization().await;
    let board = board(app, &org).await;
    let mut clients = Vec::new();
    for n in 0..MANY {
        clients.push(jwt(app, &org, &format!("job {n}")).await);
    }
    let ada = app.person(&org, "ada@example.com", Role::Developer).await;
    for name in ["one", "two"] {
        ada.post(&format!("{board}/new-wave"), &[("name", name)])
            .await;
    }
    let count = async |wave: &str| {
        let text =
            format!("SELECT CAST(COUNT(*) AS TEXT) FROM wave_credentials WHERE wave = '{wave}'");
        app.database.query(&text).await[0].clone()
    };
    let (first, second) = (clients[0].id.as_str(), clients[1].id.as_str());
    let ticked = [
        ("credentials", first),
        ("credentials", second),
        ("scope", "ticked"),
        ("deed", "plan"),
        ("into", "one"),
        ("filter", ""),
    ];
    let (asked, planned) = done(&ada, &board, &ticked).await;
    assert!(
        asked.contains("job 0") && asked.contains("2 credentials"),
        "{asked}"
    );
    assert_eq!(planned.header("location"), Some(&*board));
    assert_eq!(count("one").await, "2");
    // All of a filter, over all pages; what is in another wave stays there.
    let all = [
        ("scope", "all"),
        ("deed", "plan"),
        ("into", "two"),
        ("filter", "stage=not_started"),
    ];
    done(&ada, &board, &all).await;
    assert_eq!(
        (count("one").await, count("two").await),
        ("2".to_owned(), (MANY - 2).to_string())
    );
    let out = [
        ("scope", "all"),
        ("deed", "take_out"),
        ("filter", "wave=one&stage=not_started"),
    ];
    done(&ada, &board, &out).await;
    assert_eq!(count("one").await, "0");

    let start = [("scope", "all"), ("deed", "start"), ("filter", "wave=two")];
    let (asked, started) = done(&ada, &board, &start).await;
    assert!(
        asked.contains(&format!("{} credentials", MANY - 2)) && asked.contains("and 3 more"),
        "{asked}"
    );
    assert!(
        started.body.contains(&format!("{} done.", MANY - 2)),
        "{}",
        started.body
    );
    let paired = "SELECT CAST(COUNT(*) AS TEXT) FROM credentials WHERE grants = 'jwt_paired'";
    assert_eq!(app.database.query(paired).await, [(MANY - 2).to_string()]);
    let (_, again) = done(&ada, &board, &start).await;
    assert!(
        again
            .body
            .contains(&format!("0 done, {} as it was.", MANY - 2)),
        "{}",
        again.body
    );
    // The review calls none safe: each is listed with the reason.
    let third = clients[2].id.as_str();
    let disable = [
        ("scope", "ticked"),
        ("deed", "disable"),
        ("credentials", third),
    ];
    let (_, refused) = done(&ada, &board, &disable).await;
    assert!(refused.body.contains("1 refused"), "{}", refused.body);
    assert!(
        refused.body.contains("does not call it safe"),
        "{}",
        refused.body
    );

    let theirs = app.organization().await;
    let theirs = app.jwt(&theirs, &["DocCloudSDK"], keys::second()).await;
    let of_theirs = ("credentials", theirs.id.as_str());
    for (wrong, status) in [
        (vec![("deed", "start"), ("scope", "ticked")], 400),
        (vec![("deed", "finish"), ("scope", "all")], 400),
        (vec![("deed", "plan"), ("scope", "all")], 400),
        (vec![("deed", "take_out"), ("scope", "all")], 400),
        (vec![("deed", "start"), ("credentials", "x")], 400),
        (vec![("deed", "start"), of_theirs], 404),
    ] {
        let refused = ada.post(&format!("{board}/choose"), &wrong).await;
        assert_eq!(refused.status, status, "{wrong:?}: {}", refused.body);
    }
    let theirs = ada
        .post(&format!("{board}/act"), &[("deed", "start"), of_theirs])
        .await;
    assert!(
        theirs.body.contains("no such credential"),
        "{}",
        theirs.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wave_is_planned_and_started_by_clicks() {
    let site = Site::start().await;
    let Some(browser) = Browser::start(&site.origin).await else {
        return;
    };
    set_up(&browser, &site).await;
    browser.arrive("Projects").await;
    let org = crate::every_page::first_organization(&site).await;
    for _ in 0..3 {
        site.jwt(&org, &["DocCloudSDK"], keys::first()).await;
    }
    browser
        .goto(&format!("{}/waves", board(&site, &org).await))
        .await;
    browser.arrive("Waves").await;
    picture(&browser, "waves-none").await;
    browser.follow("New wave").await;
    browser.arrive("New wave").await;
    browser.fill("Name", "first").await;
    browser.fill("Note", "What the billing team has").await;
    browser.press("Make the wave").await;
    browser.arrive("Wave first").await;
    picture(&browser, "empty").await;
    browser.follow("Migration").await;
    browser.arrive("Migration").await;
    browser.tick("also on other pages").await;
    picture(&browser, "board").await;
    browser.press("Go on").await;
    browser.arrive("Put into wave first").await;
    picture(&browser, "confirm").await;
    browser.press("Put into the wave").await;
    browser.see("3 came into the wave first.").await;
    browser.follow("Waves").await;
    browser.follow("first").await;
    browser.press("Start all").await;
    browser.arrive("Start migrations").await;
    browser.press("Start").await;
    browser.see("3 done.").await;
    picture(&browser, "done").await;
    browser.follow("Back to the board").await;
    browser.follow("Waves").await;
    browser.follow("first").await;
    browser.see("Both halves work: 3").await;
    picture(&browser, "started").await;
    browser.press("Disable what is safe").await;
    browser.arrive("Disable JWT halves").await;
    browser.press("Disable what is safe").await;
    browser.see("3 refused").await;
    picture(&browser, "refused").await;
    browser.must_be_at_peace().await;
}

/// Looks at a page: in both widths and colours, and by axe-core.
async fn picture(browser: &Browser, name: &str) {
    browser.screenshot(&format!("wave-{name}")).await;
    browser.axe().await;
}
