//! The activity log holds, or says where it does not. Source: security.md ORG-09, ORG-10.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_authority::{Lease, LogReport, ManageError};
use countersign_testkit::app::operator;
use countersign_testkit::{Setup, TestApp};
use countersign_wire::OrgId;
use serde_json::Value;

/// The test leads, so that it knows when events are sealed.
fn setup() -> Setup {
    Setup {
        leads: false,
        ..Setup::default()
    }
}

on_both_engines_with!(
    setup:
    a_whole_log_holds,
    a_deleted_event_is_named,
    a_changed_event_is_named,
    a_log_without_its_end_is_seen,
    an_export_carries_its_proof,
);

async fn seal(app: &TestApp) -> Lease {
    let lease = app.authority.take_lease().await.unwrap().unwrap();
    app.authority.work(lease).await.unwrap();
    lease
}

/// An organization with a dozen sealed events.
async fn history(app: &TestApp) -> OrgId {
    let org = app.organization().await;
    let client = app.oauth(&org, &["DocCloudSDK"]).await;
    for _ in 0..10 {
        app.authority
            .switch_credential(&client.id, true, &operator())
            .await
            .unwrap();
    }
    seal(app).await;
    org
}

async fn report(app: &TestApp) -> LogReport {
    app.authority.verify_log(&operator()).await.unwrap()
}

fn problem(report: &LogReport, chain: &str) -> String {
    let chain = report.chains.iter().find(|one| one.chain == chain).unwrap();
    chain.problem.clone().unwrap_or_default()
}

async fn a_whole_log_holds(app: &TestApp) {
    let org = history(app).await;
    let whole = report(app).await;
    assert!(
        whole.chains.iter().all(|chain| chain.problem.is_none()),
        "{whole:?}"
    );
    let links = |report: &LogReport| {
        let chain = report.chains.iter().find(|one| one.chain == org.as_str());
        chain.unwrap().links
    };
    assert_eq!((links(&whole), whole.unsealed), (13, 0));
    // Later events continue the chain, and both nodes write into it.
    let other = app.second_node().await;
    for node in [&**app, &other] {
        let client = node.oauth(&org, &["DocCloudSDK"]).await;
        node.authority
            .delete_credential(&client.id, &operator())
            .await
            .unwrap();
    }
    assert_eq!(report(app).await.unsealed, 6);
    seal(app).await;
    let whole = report(app).await;
    assert_eq!((links(&whole), whole.unsealed), (19, 0));
    assert_eq!(problem(&whole, org.as_str()), "");
}

async fn a_deleted_event_is_named(app: &TestApp) {
    let org = history(app).await;
    app.database
        .change(&format!(
            "DELETE FROM audit WHERE chain = '{org}' AND sequence = 5"
        ))
        .await;
    let broken = report(app).await;
    let problem = problem(&broken, org.as_str());
    assert_eq!(problem, "event 5 is missing: it was deleted by hand");
    let export = app.authority.export_log(Some(&org), &operator()).await;
    assert!(matches!(export, Err(ManageError::LogBroken(_))));
}

async fn a_changed_event_is_named(app: &TestApp) {
    let org = history(app).await;
    for (column, value) in [
        ("actor", "nobody"),
        ("detail", "{}x"),
        ("source", "1.2.3.4"),
    ] {
        let found = app
            .database
            .query(&format!(
                "SELECT COALESCE({column}, '') FROM audit WHERE chain = '{org}' AND sequence = 3"
            ))
            .await;
        let set = async |value: &str| {
            let text = format!(
                "UPDATE audit SET {column} = '{value}' WHERE chain = '{org}' AND sequence = 3"
            );
            app.database.change(&text).await;
        };
        set(value).await;
        let problem = problem(&report(app).await, org.as_str());
        assert!(
            problem.starts_with("event 3 (") && problem.contains("changed by hand"),
            "{column}: {problem}"
        );
        match found[0].as_str() {
            "" => {
                app.database
                    .change(&format!(
                        "UPDATE audit SET {column} = NULL WHERE chain = '{org}' AND sequence = 3"
                    ))
                    .await
            }
            before => set(before).await,
        }
    }
    assert_eq!(problem(&report(app).await, org.as_str()), "");
}

async fn a_log_without_its_end_is_seen(app: &TestApp) {
    let org = history(app).await;
    app.database
        .change(&format!(
            "DELETE FROM audit WHERE chain = '{org}' AND sequence > 11"
        ))
        .await;
    let seen = problem(&report(app).await, org.as_str());
    assert!(
        seen.starts_with("events 12 to 13, the last ones, are missing"),
        "{seen}"
    );
    // Whoever has only the database cannot make a head that fits.
    let forge = format!(
        "UPDATE audit_chains SET sequence = 11, digest = (SELECT digest FROM audit WHERE chain = '{org}' AND sequence = 11) WHERE chain = '{org}'"
    );
    app.database.change(&forge).await;
    let seen = problem(&report(app).await, org.as_str());
    assert!(seen.contains("its seal does not hold"), "{seen}");
    app.database
        .change(&format!("DELETE FROM audit_chains WHERE chain = '{org}'"))
        .await;
    let seen = problem(&report(app).await, org.as_str());
    assert!(seen.contains("head is missing"), "{seen}");
}

/// Everything but the server's public key is in the export.
async fn an_export_carries_its_proof(app: &TestApp) {
    let org = history(app).await;
    let export = app
        .authority
        .export_log(Some(&org), &operator())
        .await
        .unwrap();
    assert_eq!(export.lines.len(), 13);
    let mut previous = "0".repeat(64);
    for (at, line) in export.lines.iter().enumerate() {
        let (covered, digest) = line.split_once(",\"digest\":").unwrap();
        let shown: Value = serde_json::from_str(line).unwrap();
        assert_eq!(shown["previous"], previous);
        assert_eq!(shown["sequence"], at + 1);
        let sum = aws_lc_rs::digest::digest(
            &aws_lc_rs::digest::SHA256,
            format!("{covered}}}").as_bytes(),
        );
        previous = sum.as_ref().iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(digest, format!("\"{previous}\"}}"));
    }
    let set: jsonwebtoken::jwk::JwkSet =
        serde_json::from_str(&app.authority.key_documents().key_set).unwrap();
    let header = jsonwebtoken::decode_header(&export.proof).unwrap();
    let key = set.find(header.kid.as_deref().unwrap()).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(key).unwrap();
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    let head = jsonwebtoken::decode::<Value>(&export.proof, &key, &rules)
        .unwrap()
        .claims;
    assert_eq!(
        (&head["digest"], &head["sequence"]),
        (&Value::from(previous), &Value::from(13))
    );
    assert_eq!(header.typ.as_deref(), Some("countersign-audit+jwt"));

    // It is no token.
    let payload = export.proof.split('.').nth(1).unwrap();
    assert!(URL_SAFE_NO_PAD.decode(payload).is_ok());
    let as_token = app.authority.end_token(&export.proof, &operator()).await;
    assert!(matches!(as_token, Err(ManageError::NotOurToken(_))));
}
