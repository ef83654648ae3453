//! The change log, the activity log, refusals and evidence of use.

use std::collections::HashSet;

use countersign_model::AuditEvent;
use countersign_store::audit::Filter;
use countersign_store::changes::{self, Topic};
use countersign_store::refusals::{self, RefusalRecord};
use countersign_store::revocations::Subject;
use countersign_store::usage::{self, Grant, Usage, UsageSubject};
use countersign_store::{Page, audit};
use countersign_wire::{
    CertificateId, ClientId, CredentialId, KeyThumbprint, OrgId, ProjectId, SecretId, TokenId,
};

use crate::database::TestDatabase;
use crate::samples::{NASTY, World, at};

pub async fn changes_of_every_topic_come_back_in_order(db: &TestDatabase) {
    let topics = [
        Topic::Client(ClientId::parse("cm-p1-e2-integration").unwrap()),
        Topic::Organization(OrgId::from_random([1; 12])),
        Topic::Project(ProjectId::from_number(1)),
        Topic::Brownouts,
        Topic::Policies,
        Topic::PublishedServices,
        Topic::SigningKeys,
        Topic::Revocation(Subject::Token(TokenId::parse("t").unwrap())),
        Topic::Revocation(Subject::Secret(SecretId::from_random([1; 16]))),
        Topic::Revocation(Subject::Certificate(CertificateId::from_random([1; 16]))),
        Topic::Revocation(Subject::Credential(CredentialId::from_number(1))),
        Topic::Revocation(Subject::Key(KeyThumbprint::parse(&"a".repeat(43)).unwrap())),
    ];
    let now = at(1_700_000_000_000);
    let mut w = db.store().write().await.unwrap();
    for topic in &topics {
        changes::append(&mut w, topic, now).await.unwrap();
    }
    w.commit().await.unwrap();

    let mut r = db.store().read().await.unwrap();
    let seen = changes::since(&mut r, now).await.unwrap();
    let later = changes::since(&mut r, at(now.as_millis() + 1))
        .await
        .unwrap();

    assert_eq!(later, []);
    assert!(seen.iter().all(|change| change.at == now));
    let seen: Vec<Topic> = seen.into_iter().filter_map(|change| change.topic).collect();
    assert_eq!(seen, topics);
}

/// A later release runs beside this one, and its changes must stop nobody.
pub async fn changes_that_only_a_later_release_knows_are_seen(db: &TestDatabase) {
    db.tamper(
        "INSERT INTO changes (id, changed_at, topic, subject_id)
         VALUES ('1', 5, 'weather', 'x'), ('2', 5, 'revoked_everything', ''),
            ('3', 5, 'client', 'not one'), ('4', 5, 'policies', '')",
    )
    .await;

    let seen = changes::since(&mut db.store().read().await.unwrap(), at(0))
        .await
        .unwrap();

    let seen: Vec<_> = seen.into_iter().map(|change| change.topic).collect();
    assert_eq!(seen, [None, None, None, Some(Topic::Policies)]);
}

pub async fn long_change_logs_come_whole(db: &TestDatabase) {
    let mut w = db.store().write().await.unwrap();
    for n in 0..1100 {
        let now = at(1000 + n / 300);
        changes::append(&mut w, &Topic::Policies, now)
            .await
            .unwrap();
    }
    w.commit().await.unwrap();

    let all = changes::since(&mut db.store().read().await.unwrap(), at(i64::MIN))
        .await
        .unwrap();
    let ids: HashSet<&str> = all.iter().map(|change| &*change.id).collect();
    assert_eq!((all.len(), ids.len()), (1100, 1100));
    assert!(all.is_sorted_by_key(|change| (change.at, change.id.clone())));

    let mut w = db.store().write().await.unwrap();
    assert_eq!(changes::trim(&mut w, at(1002), 400).await.unwrap(), 400);
    assert_eq!(changes::trim(&mut w, at(1002), 400).await.unwrap(), 200);
    w.commit().await.unwrap();
    let left = changes::since(&mut db.store().read().await.unwrap(), at(0))
        .await
        .unwrap();
    assert_eq!(left.len(), 500);
}

/// A slow transaction commits behind faster ones with later times, and is still seen.
pub async fn a_reader_with_an_overlap_misses_no_change(db: &TestDatabase) {
    let writers = (0..8_u8).map(|writer| {
        let store = db.store().clone();
        tokio::spawn(async move {
            for n in 0..20 {
                let client = ClientId::parse(&format!("client-{writer}-{n}")).unwrap();
                let now = at(10_000 + n * 10);
                countersign_store::retry(|| async {
                    let mut w = store.write().await?;
                    changes::append(&mut w, &Topic::Client(client.clone()), now).await?;
                    w.commit().await
                })
                .await
                .unwrap();
            }
        })
    });
    let writers: Vec<_> = writers.collect();

    let mut seen = HashSet::new();
    let mut last = at(0);
    let started = std::time::Instant::now();
    while started.elapsed() < std::time::Duration::from_secs(120) {
        let done = writers.iter().all(tokio::task::JoinHandle::is_finished);
        // As far back as a writer can lag behind: all of this test's time.
        let from = last.minus(std::time::Duration::from_millis(200));
        let mut r = db.store().read().await.unwrap();
        for change in changes::since(&mut r, from).await.unwrap() {
            last = last.max(change.at);
            seen.insert(change.id);
        }
        if done {
            break;
        }
    }

    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(seen.len(), 160);
}

fn event(n: i64, org_id: Option<&OrgId>) -> AuditEvent {
    AuditEvent {
        at: at(1_700_000_000_000 + n / 2),
        org_id: org_id.cloned(),
        project_id: (n % 4 == 0).then(|| ProjectId::from_number(7)),
        credential_id: (n % 8 == 0).then(|| CredentialId::from_number(9)),
        actor: "admin:cli".to_owned(),
        source: (n % 2 == 0).then(|| "203.0.113.9".to_owned()),
        action: "secret.added".to_owned(),
        subject: format!("{NASTY}{n}"),
        detail: "{\"label\":\"\\u0000\"}".to_owned(),
    }
}

pub async fn audit_events_are_paged_newest_first(db: &TestDatabase) {
    let org = OrgId::from_random([1; 12]);
    let events: Vec<AuditEvent> = (0..10)
        .map(|n| event(n, (n % 3 == 0).then_some(&org)))
        .collect();
    let mut w = db.store().write().await.unwrap();
    for event in &events {
        audit::append(&mut w, event).await.unwrap();
    }
    w.commit().await.unwrap();

    let mut r = db.store().read().await.unwrap();
    let mut page = Page {
        after: None,
        limit: 4,
    };
    let mut listed = Vec::new();
    loop {
        let some = audit::list(&mut r, None, &page).await.unwrap();
        let Some(last) = some.last() else { break };
        page.after = Some(last.id.clone());
        listed.extend(some.into_iter().map(|entry| entry.event));
    }
    let of_org = audit::list(&mut r, Some(&org), &Page::first())
        .await
        .unwrap();

    listed.reverse();
    assert_eq!(listed, events);
    let of_org: Vec<AuditEvent> = of_org.into_iter().map(|entry| entry.event).collect();
    assert_eq!(of_org, [9, 6, 3, 0].map(|n| event(n, Some(&org))));
}

pub async fn audit_events_are_found_by_what_they_are_about(db: &TestDatabase) {
    let [org, other] = [1, 2].map(|n| OrgId::from_random([n; 12]));
    let mut w = db.store().write().await.unwrap();
    for n in 0..10 {
        audit::append(&mut w, &event(n, Some(&org))).await.unwrap();
        audit::append(&mut w, &event(n, Some(&other)))
            .await
            .unwrap();
    }
    w.commit().await.unwrap();

    let mut r = db.store().read().await.unwrap();
    let (project, credential) = ("7".to_owned(), "9".to_owned());
    for (project, credential, expected) in [
        (project.clone(), String::new(), vec![8, 4, 0]),
        (project.clone(), credential.clone(), vec![8, 0]),
        (String::new(), credential.clone(), vec![8, 0]),
        (credential, String::new(), vec![]),
        (NASTY.to_owned(), project, vec![]),
    ] {
        let filter = Filter {
            project,
            credential,
            ..Filter::default()
        };
        let found = audit::search(&mut r, &org, &filter, &Page::first()).await;
        let found: Vec<_> = found.unwrap().into_iter().map(|one| one.event).collect();
        let expected: Vec<_> = expected.into_iter().map(|n| event(n, Some(&org))).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

fn refusal(n: i64) -> RefusalRecord {
    RefusalRecord {
        debug_id: format!("debug-{n:03}"),
        at: at(n),
        endpoint: "/ims/token/v3".to_owned(),
        status: u16::MAX,
        error: "invalid_client".to_owned(),
        credential_id: (n % 2 == 0).then(|| CredentialId::from_number(7)),
        client_id: (n % 3 == 0).then(|| NASTY.to_owned()),
        cause: NASTY.to_owned(),
        source: "192.0.2.0/24".to_owned(),
    }
}

pub async fn refusals_are_found_and_trimmed(db: &TestDatabase) {
    let mut all: Vec<RefusalRecord> = (0..100).map(refusal).collect();
    all.push(RefusalRecord {
        cause: "a second one of the same id".to_owned(),
        ..refusal(99)
    });
    let mut w = db.store().write().await.unwrap();
    refusals::insert(&mut w, &all).await.unwrap();
    refusals::insert(&mut w, &[]).await.unwrap();
    let nul = RefusalRecord {
        debug_id: "nul".to_owned(),
        client_id: Some("a\0b".to_owned()),
        ..refusal(98)
    };
    refusals::insert(&mut w, std::slice::from_ref(&nul))
        .await
        .unwrap();
    let found = refusals::find(&mut w, "nul").await.unwrap().unwrap();
    assert_eq!(found.client_id.as_deref(), Some("a\u{fffd}b"));
    w.commit().await.unwrap();

    let mut w = db.store().write().await.unwrap();
    for n in [0, 3, 99] {
        let found = refusals::find(&mut w, &refusal(n).debug_id).await.unwrap();
        assert_eq!(found, Some(refusal(n)));
    }
    assert_eq!(refusals::find(&mut w, "debug-%").await.unwrap(), None);
    let far = u64::MAX;
    assert_eq!(
        refusals::trim(&mut w, at(10), far, 6).await.unwrap(),
        6,
        "a batch"
    );
    assert_eq!(
        refusals::trim(&mut w, at(10), far, 6).await.unwrap(),
        4,
        "the rest"
    );
    assert_eq!(
        refusals::trim(&mut w, at(10), far, 6).await.unwrap(),
        0,
        "nothing"
    );
    assert_eq!(
        refusals::trim(&mut w, at(0), 41, 999).await.unwrap(),
        50,
        "too many"
    );
    assert_eq!(refusals::trim(&mut w, at(0), 41, 999).await.unwrap(), 0);
    assert_eq!(refusals::find(&mut w, "debug-059").await.unwrap(), None);
    assert_eq!(
        refusals::find(&mut w, "debug-060").await.unwrap(),
        Some(refusal(60))
    );
    w.commit().await.unwrap();
}

pub async fn usage_is_added_up(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let credential = world.stored_credential(db.store(), 1).await;
    let used = |subject: UsageSubject, first: i64, last: i64, uses: u64| Usage {
        credential_id: credential.id.clone(),
        subject,
        grant: Grant::JwtExchange,
        first_used_at: at(first),
        last_used_at: at(last),
        uses,
    };
    let certificate = UsageSubject::Certificate(credential.certificates[0].id.clone());
    let secret = UsageSubject::Secret(credential.secrets[0].id.clone());
    let by_other_grant = Usage {
        grant: Grant::ClientCredentials,
        ..used(UsageSubject::Grant, 1, 1, 1)
    };
    let batch = [
        used(UsageSubject::Grant, 50, 60, 5),
        used(UsageSubject::Grant, 40, 55, 3),
        used(UsageSubject::Grant, 45, 70, 1),
        by_other_grant.clone(),
        used(certificate.clone(), i64::MIN, i64::MAX, u64::MAX),
        used(certificate.clone(), 0, 0, 9),
        used(secret.clone(), 1, 2, 3),
    ];
    let mut w = db.store().write().await.unwrap();
    for used in batch {
        usage::add(&mut w, &[used]).await.unwrap();
    }
    w.commit().await.unwrap();

    let listed = usage::list(&mut db.store().read().await.unwrap(), &credential.id)
        .await
        .unwrap();

    let most = u64::try_from(i64::MAX).unwrap();
    assert_eq!(
        listed,
        [
            used(certificate, i64::MIN, i64::MAX, most),
            by_other_grant,
            used(UsageSubject::Grant, 40, 70, 9),
            used(secret, 1, 2, 3),
        ]
    );
}
