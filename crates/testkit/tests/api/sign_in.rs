//! People sign in, and out. Source: security.md CON-02 to CON-05, CON-11 to CON-13.

use std::time::{Duration, Instant};

use countersign_authority::{ManageError, NewSession, SignInError, SignedIn};
use countersign_model::Role;
use countersign_testkit::TestApp;
use countersign_testkit::app::operator;

use crate::people::{PASSWORD, member, opaque, session, signed_in, visitor};

on_both_engines!(
    a_session_ends_by_itself,
    a_session_is_seen_and_ended,
    every_wrong_sign_in_is_answered_alike,
    guessing_is_slowed_down_where_it_comes_from,
    a_code_is_used_once,
    a_password_is_asked_for_again,
    a_new_password_ends_other_sessions,
);

const MINUTE: Duration = Duration::from_secs(60);

async fn bob(app: &TestApp) -> countersign_authority::Session {
    let org = app.organization().await;
    member(app, &org, "bob@example.com", Role::Viewer).await
}

async fn a_session_ends_by_itself(app: &TestApp) {
    bob(app).await;
    let idle = signed_in(app, "bob@example.com").await;
    app.advance(29 * MINUTE);
    assert!(session(app, &idle).await.is_some(), "used in time");
    app.advance(30 * MINUTE);
    assert!(session(app, &idle).await.is_none());

    let busy = signed_in(app, "bob@example.com").await;
    for _ in 0..24 {
        app.advance(29 * MINUTE);
        assert!(session(app, &busy).await.is_some());
    }
    app.advance(24 * MINUTE);
    assert!(session(app, &busy).await.is_none(), "12 hours are over");
}

async fn a_session_is_seen_and_ended(app: &TestApp) {
    bob(app).await;
    let (one, other) = (
        signed_in(app, "bob@example.com").await,
        signed_in(app, "bob@example.com").await,
    );
    assert_ne!(one.cookie.expose(), other.cookie.expose());
    let here = session(app, &one).await.unwrap();
    let all = app.authority.list_sessions(&here).await.unwrap();
    assert_eq!(all.len(), 3, "and that of the invitation");
    assert_eq!(all[0].source, "198.51.100.1");

    app.authority
        .end_session(&here, &other.session.id)
        .await
        .unwrap();
    assert!(session(app, &other).await.is_none());
    let again = app.authority.end_session(&here, &other.session.id).await;
    assert!(matches!(again, Err(ManageError::NoSession)));

    let eve = member(
        app,
        here.organization().unwrap(),
        "eve@example.com",
        Role::Viewer,
    )
    .await;
    let foreign = app.authority.end_session(&eve, here.id()).await;
    assert!(matches!(foreign, Err(ManageError::NoSession)));
    assert_eq!(
        app.database
            .query(&format!(
                "SELECT digest FROM sessions WHERE digest = '{}'",
                one.cookie.expose()
            ))
            .await
            .len(),
        0
    );
    assert!(here.accepts_form(here.form_token()) && !here.accepts_form(eve.form_token()));
}

async fn every_wrong_sign_in_is_answered_alike(app: &TestApp) {
    let bob = bob(app).await;
    let person = bob.person().id.clone();
    let wrong = app
        .authority
        .sign_in("bob@example.com", opaque("not his password"), &visitor(2))
        .await;
    let unknown = app
        .authority
        .sign_in("eve@example.com", opaque(PASSWORD), &visitor(2))
        .await;
    let malformed = app
        .authority
        .sign_in("no name", opaque(PASSWORD), &visitor(2))
        .await;
    app.authority
        .switch_person(&person, false, &operator())
        .await
        .unwrap();
    let disabled = app
        .authority
        .sign_in("bob@example.com", opaque(PASSWORD), &visitor(2))
        .await;
    for refused in [wrong, unknown, malformed, disabled] {
        assert!(matches!(refused, Err(SignInError::Refused)));
    }
    let failed = app
        .database
        .query("SELECT subject FROM audit WHERE action = 'sign_in.failed' ORDER BY subject")
        .await;
    assert_eq!(
        failed,
        [
            "bob@example.com",
            "bob@example.com",
            "eve@example.com",
            "malformed name"
        ]
    );

    // Alike in time, too: the middle of several tries each, interleaved.
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..6 {
        for (name, times) in ["bob@example.com", "who@example.com"]
            .iter()
            .zip(&mut times)
        {
            let began = Instant::now();
            let refused = app
                .authority
                .sign_in(name, opaque("wrong as can be"), &visitor(10 + round))
                .await;
            times.push(began.elapsed());
            assert!(refused.is_err());
        }
    }
    let [known, unknown] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64()
    });
    assert!(
        (0.4..2.5).contains(&(known / unknown)),
        "{known} against {unknown}"
    );
}

async fn guessing_is_slowed_down_where_it_comes_from(app: &TestApp) {
    bob(app).await;
    for _ in 0..10 {
        let wrong = app
            .authority
            .sign_in("bob@example.com", opaque("a wrong password"), &visitor(66))
            .await;
        assert!(matches!(wrong, Err(SignInError::Refused)));
    }
    // Another spelling is the same name; the right password does not help there any more.
    let throttled = app
        .authority
        .sign_in("BOB@Example.com ", opaque(PASSWORD), &visitor(66))
        .await;
    assert!(matches!(throttled, Err(SignInError::Throttled)));
    // Nobody locks Bob out.
    signed_in(app, "bob@example.com").await;
}

/// The six digits that a device shows now: what `openssl` or a telephone would compute.
fn shown_by_device(key: &str, app: &TestApp) -> String {
    countersign_testkit::totp::code(key, app.now())
}

async fn half(app: &TestApp) -> NewSession {
    match app
        .authority
        .sign_in("bob@example.com", opaque(PASSWORD), &visitor(1))
        .await
        .unwrap()
    {
        SignedIn::CodeNeeded(half) => half,
        SignedIn::Whole(_) => panic!("no code was asked for"),
    }
}

async fn a_code_is_used_once(app: &TestApp) {
    let bob = bob(app).await;
    let device = app.authority.new_device(&bob).unwrap();
    let key = device.key.expose();
    let wrong = app
        .authority
        .add_device(&bob, &device.sealed, "000000")
        .await;
    assert!(matches!(wrong, Err(ManageError::WrongCode)));
    let code = shown_by_device(key, app);
    app.authority
        .add_device(&bob, &device.sealed, &code)
        .await
        .unwrap();
    assert!(app.authority.has_device(&bob).await.unwrap());

    let first = half(app).await;
    assert!(session(app, &first).await.is_none(), "not signed in yet");
    let used = app
        .authority
        .enter_code(first.cookie.expose(), &code, &visitor(1))
        .await;
    assert!(
        matches!(used, Err(SignInError::Code(_))),
        "it added the device"
    );
    app.advance(Duration::from_secs(30));
    let code = shown_by_device(key, app);
    let whole = app
        .authority
        .enter_code(first.cookie.expose(), &code, &visitor(1))
        .await
        .unwrap();
    assert_ne!(whole.cookie.expose(), first.cookie.expose());
    assert!(session(app, &whole).await.is_some());
    let over = app
        .authority
        .enter_code(first.cookie.expose(), &code, &visitor(1))
        .await;
    assert!(
        matches!(over, Err(SignInError::TooLate)),
        "the half session is used up"
    );

    let second = half(app).await;
    for _ in 0..4 {
        let again = app
            .authority
            .enter_code(second.cookie.expose(), &code, &visitor(1))
            .await;
        assert!(matches!(again, Err(SignInError::Code(_))));
    }
    app.advance(Duration::from_secs(30));
    let code = shown_by_device(key, app);
    let throttled = app
        .authority
        .enter_code(second.cookie.expose(), &code, &visitor(1))
        .await;
    assert!(
        matches!(throttled, Err(SignInError::Throttled)),
        "five wrong codes"
    );

    let bob = session(app, &whole).await.unwrap();
    app.authority
        .remove_device(&bob, opaque(PASSWORD))
        .await
        .unwrap();
    signed_in(app, "bob@example.com").await;
}

async fn a_password_is_asked_for_again(app: &TestApp) {
    bob(app).await;
    let new = signed_in(app, "bob@example.com").await;
    app.advance(9 * MINUTE);
    assert!(session(app, &new).await.unwrap().is_confirmed(app.now()));
    app.advance(MINUTE);
    let bob = session(app, &new).await.unwrap();
    assert!(!bob.is_confirmed(app.now()));
    let wrong = app.authority.confirm(&bob, opaque("something else")).await;
    assert!(matches!(wrong, Err(ManageError::WrongPassword)));
    app.authority.confirm(&bob, opaque(PASSWORD)).await.unwrap();
    assert!(session(app, &new).await.unwrap().is_confirmed(app.now()));
}

async fn a_new_password_ends_other_sessions(app: &TestApp) {
    bob(app).await;
    let (one, other) = (
        signed_in(app, "bob@example.com").await,
        signed_in(app, "bob@example.com").await,
    );
    let bob = session(app, &one).await.unwrap();
    let own_name = app
        .authority
        .change_password(&bob, opaque(PASSWORD), opaque("bob@example.com"))
        .await;
    assert!(matches!(own_name, Err(ManageError::Password(_))));
    app.authority
        .change_password(&bob, opaque(PASSWORD), opaque("nine green umbrellas"))
        .await
        .unwrap();
    assert!(session(app, &one).await.is_some() && session(app, &other).await.is_none());
    let old = app
        .authority
        .sign_in("bob@example.com", opaque(PASSWORD), &visitor(1))
        .await;
    assert!(matches!(old, Err(SignInError::Refused)));
}
