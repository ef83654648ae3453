//! Credentials: whole aggregates, revisions, ids that are never used twice.

use countersign_model::secret::Strength;
use countersign_model::{Credential, Grants, Migration, Origin, SecretDigest, State};
use countersign_store::usage::{self, Grant, Usage, UsageSubject};
use countersign_store::{Error, Page, credentials, projects, technical_accounts};
use countersign_wire::{ClientId, CredentialId, ProjectId, TechnicalAccountId};

use crate::database::TestDatabase;
use crate::samples::{
    World, account, at, certificate, load, project, secret, subscription, workspace,
};

pub async fn a_credential_comes_back_whole(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let credential = world.stored_credential(db.store(), 1).await;

    let mut r = db.store().read().await.unwrap();
    let by_id = credentials::find(&mut r, &credential.id).await.unwrap();
    let by_client_id = credentials::find_by_client_id(&mut r, &credential.client_id)
        .await
        .unwrap();
    let record = credentials::find_record(&mut r, &credential.client_id)
        .await
        .unwrap()
        .unwrap();
    let unknown = ClientId::parse("';--%_").unwrap();
    let nobody = credentials::find_record(&mut r, &unknown).await.unwrap();

    assert_eq!(by_id, Some(credential.clone()));
    assert_eq!(by_client_id, Some(credential.clone()));
    assert_eq!(record.credential, credential);
    assert_eq!(record.organization, world.organization);
    assert_eq!(record.project, world.project);
    assert_eq!(record.technical_account, world.account);
    assert_eq!(nobody, None);
}

pub async fn every_state_of_a_migration_is_stored(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let all = [
        Grants::OAuth,
        Grants::Jwt(Migration::NotStarted),
        Grants::Jwt(Migration::Paired { since: at(5) }),
        Grants::Jwt(Migration::Disabled {
            since: at(5),
            at: at(6),
            until: at(7),
        }),
        Grants::Jwt(Migration::Completed { at: at(-6) }),
        Grants::Jwt(Migration::Cancelled { at: at(7) }),
    ];
    for (n, grants) in (1..).zip(all) {
        let credential = Credential {
            grants,
            origin: Origin::AemDeveloperConsole,
            state: State::Disabled { at: at(i64::MAX) },
            ..world.credential(n)
        };
        let mut w = db.store().write().await.unwrap();
        credentials::insert(&mut w, &credential).await.unwrap();
        w.commit().await.unwrap();

        assert_eq!(load(db.store(), &credential.id).await, credential);
    }
}

pub async fn a_save_changes_exactly_what_differs(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let before = world.stored_credential(db.store(), 1).await;
    let mut after = before.clone();
    after.name = "renamed".to_owned();
    after.owner.team = "others".to_owned();
    after.state = State::Disabled { at: at(9) };
    after.grants = Grants::Jwt(Migration::Cancelled { at: at(8) });
    after.secrets.remove(0);
    after.secrets[0].label = "relabelled".to_owned();
    after.secrets[0].expires_at = Some(at(1234));
    after.secrets.push(secret(250));
    after.certificates = vec![certificate(51), certificate(52)];
    after.subscriptions = vec![
        subscription("AdobeIOEventsSDK", &[3]),
        subscription("UserMgmtSDK", &[1, 2]),
        subscription("Sensei Enterprise Beta (MAX 2018)", &[]),
    ];

    let mut w = db.store().write().await.unwrap();
    credentials::save(&mut w, &before, &after).await.unwrap();
    w.commit().await.unwrap();

    after.revision = 2;
    assert_eq!(load(db.store(), &before.id).await, after);
}

pub async fn a_save_from_an_old_revision_is_refused(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let before = world.stored_credential(db.store(), 1).await;
    let mut first = before.clone();
    first.name = "first".to_owned();
    let mut second = before.clone();
    second.secrets.clear();
    let mut w = db.store().write().await.unwrap();
    credentials::save(&mut w, &before, &first).await.unwrap();
    w.commit().await.unwrap();

    let mut w = db.store().write().await.unwrap();
    let saved = credentials::save(&mut w, &before, &second).await;
    let deleted = credentials::delete(&mut w, &before).await;
    drop(w);

    assert!(matches!(saved, Err(Error::Conflict)), "{saved:?}");
    assert!(matches!(deleted, Err(Error::Conflict)), "{deleted:?}");
    first.revision = 2;
    assert_eq!(load(db.store(), &before.id).await, first);
}

pub async fn what_never_changes_cannot_be_saved(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let before = world.stored_credential(db.store(), 1).await;
    let other_client = Credential {
        client_id: ClientId::from_random([9; 16]),
        ..before.clone()
    };
    let other_account = Credential {
        technical_account_id: TechnicalAccountId::from_random([9; 12]),
        ..before.clone()
    };

    for after in [other_client, other_account] {
        let mut w = db.store().write().await.unwrap();
        let saved = credentials::save(&mut w, &before, &after).await;
        assert!(matches!(saved, Err(Error::Conflict)), "{saved:?}");
    }
}

pub async fn a_replaced_digest_counts_as_a_change(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let mut credential = world.credential(1);
    credential.secrets[0].digest =
        SecretDigest::Slow("$argon2id$v=19$m=8,t=1,p=1$c2Fs$aGFzaA".to_owned());
    credential.secrets[0].strength = Strength::Weak;
    let mut w = db.store().write().await.unwrap();
    credentials::insert(&mut w, &credential).await.unwrap();
    w.commit().await.unwrap();
    assert_eq!(load(db.store(), &credential.id).await, credential);
    let keyed = SecretDigest::Keyed {
        pepper: "two".to_owned(),
        mac: [255; 32],
    };

    let mut w = db.store().write().await.unwrap();
    let id = &credential.secrets[0].id;
    credentials::replace_digest(&mut w, id, &keyed)
        .await
        .unwrap();
    let unknown = credentials::replace_digest(&mut w, &secret(222).id, &keyed).await;
    w.commit().await.unwrap();

    assert!(matches!(unknown, Err(Error::Conflict)), "{unknown:?}");
    credential.secrets[0].digest = keyed;
    credential.revision = 2;
    assert_eq!(load(db.store(), &credential.id).await, credential);
}

pub async fn an_id_is_never_used_twice(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let credential = world.stored_credential(db.store(), 1).await;
    let mut w = db.store().write().await.unwrap();
    credentials::delete(&mut w, &credential).await.unwrap();
    w.commit().await.unwrap();

    let same_id = Credential {
        id: credential.id.clone(),
        ..world.credential(2)
    };
    let same_client_id = Credential {
        client_id: credential.client_id.clone(),
        ..world.credential(2)
    };
    let same_secret = Credential {
        secrets: credential.secrets.clone(),
        ..world.credential(2)
    };
    let same_certificate = Credential {
        certificates: credential.certificates.clone(),
        ..world.credential(2)
    };
    let account_as_client = Credential {
        client_id: ClientId::parse(world.account.id.as_str()).unwrap(),
        ..world.credential(2)
    };
    for reused in [
        same_id,
        same_client_id,
        same_secret,
        same_certificate,
        account_as_client,
    ] {
        let mut w = db.store().write().await.unwrap();
        let inserted = credentials::insert(&mut w, &reused).await;
        assert!(matches!(inserted, Err(Error::Duplicate)), "{inserted:?}");
    }

    let mut w = db.store().write().await.unwrap();
    let again = technical_accounts::insert(&mut w, &account(&world.organization.id, 1)).await;
    assert!(matches!(again, Err(Error::Duplicate)), "{again:?}");
}

pub async fn a_deleted_credential_leaves_nothing_but_its_ids(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let credential = world.stored_credential(db.store(), 1).await;
    let used = Usage {
        credential_id: credential.id.clone(),
        subject: UsageSubject::Grant,
        grant: Grant::JwtExchange,
        first_used_at: at(1),
        last_used_at: at(2),
        uses: 3,
    };
    let mut w = db.store().write().await.unwrap();
    usage::add(&mut w, std::slice::from_ref(&used))
        .await
        .unwrap();
    w.commit().await.unwrap();

    let mut w = db.store().write().await.unwrap();
    credentials::delete(&mut w, &credential).await.unwrap();
    // Noted before the deletion, written after it.
    usage::add(&mut w, &[used]).await.unwrap();
    w.commit().await.unwrap();

    let mut r = db.store().read().await.unwrap();
    let found = credentials::find_by_client_id(&mut r, &credential.client_id)
        .await
        .unwrap();
    let owners = credentials::owners_of_key(&mut r, &credential.certificates[0].key_digest)
        .await
        .unwrap();
    assert_eq!(found, None);
    assert_eq!(owners, []);
    assert_eq!(usage::list(&mut r, &credential.id).await.unwrap(), []);
}

pub async fn a_key_is_found_with_its_owners(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let other = World::create(db.store(), 2).await;
    let first = world.stored_credential(db.store(), 1).await;
    let second = Credential {
        certificates: vec![
            countersign_model::Certificate {
                key_digest: first.certificates[0].key_digest.clone(),
                ..certificate(70)
            },
            certificate(71),
        ],
        subscriptions: Vec::new(),
        ..other.credential(2)
    };
    let mut w = db.store().write().await.unwrap();
    credentials::insert(&mut w, &second).await.unwrap();
    w.commit().await.unwrap();

    let mut r = db.store().read().await.unwrap();
    let owners = credentials::owners_of_key(&mut r, &first.certificates[0].key_digest)
        .await
        .unwrap();

    assert_eq!(
        owners,
        [
            (first.org_id.clone(), first.id.clone()),
            (second.org_id.clone(), second.id.clone())
        ]
    );
}

pub async fn a_page_of_credentials_has_all_their_children(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let second_project = project(&world.organization.id, 50);
    let second_workspace = workspace(&second_project);
    let mut all = Vec::new();
    let mut w = db.store().write().await.unwrap();
    projects::insert(
        &mut w,
        &second_project,
        std::slice::from_ref(&second_workspace),
    )
    .await
    .unwrap();
    for n in 1..=7 {
        let mut credential = world.credential(n);
        if n == 4 {
            credential.secrets.clear();
            credential.certificates.clear();
            credential.subscriptions.clear();
        }
        if n > 5 {
            credential.project_id = second_project.id.clone();
            credential.workspace_id = second_workspace.id.clone();
        }
        credentials::insert(&mut w, &credential).await.unwrap();
        all.push(credential);
    }
    w.commit().await.unwrap();

    let org = &world.organization.id;
    let mut r = db.store().read().await.unwrap();
    let mut page = Page {
        after: None,
        limit: 3,
    };
    let mut listed = Vec::new();
    loop {
        let some = credentials::list(&mut r, org, None, &page).await.unwrap();
        let Some(last) = some.last() else { break };
        assert!(some.len() <= 3);
        page.after = Some(last.id.to_string());
        listed.extend(some);
    }
    let of_project = credentials::list(&mut r, org, Some(&second_project.id), &Page::first())
        .await
        .unwrap();
    let nothing = Page {
        after: Some(CredentialId::from_number(u64::MAX % 1000).to_string() + "9999"),
        limit: 0,
    };
    let none = credentials::list(&mut r, org, None, &nothing)
        .await
        .unwrap();

    assert_eq!(listed, all);
    assert_eq!(of_project, all[5..]);
    assert_eq!(none, []);
}

pub async fn a_count_and_a_place_among_many_are_the_organizations(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    for n in 1..=3 {
        world.stored_credential(db.store(), n).await;
    }
    let other = World::create(db.store(), 2).await;
    other.stored_credential(db.store(), 9).await;

    let org = &world.organization.id;
    let mut r = db.store().read().await.unwrap();
    assert_eq!(credentials::count(&mut r, org).await.unwrap(), 3);
    let key = |n: &str| Some(Some(n.to_owned()));
    for (skip, expected) in [
        (0, Some(None)),
        (1, key("1001")),
        (3, key("1003")),
        (4, None),
    ] {
        let found = credentials::key_before(&mut r, org, skip).await.unwrap();
        assert_eq!(found, expected, "{skip}");
    }
}

pub async fn migrations_are_listed_and_quarantines_found_when_they_are_over(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let disabled = |until| {
        Grants::Jwt(Migration::Disabled {
            since: at(1),
            at: at(2),
            until: at(until),
        })
    };
    let all = [
        Grants::Jwt(Migration::NotStarted),
        disabled(30),
        Grants::OAuth,
        disabled(10),
        disabled(20),
        Grants::Jwt(Migration::Completed { at: at(5) }),
    ];
    let mut w = db.store().write().await.unwrap();
    for (n, grants) in (1..).zip(all) {
        let credential = Credential {
            grants,
            ..world.credential(n)
        };
        credentials::insert(&mut w, &credential).await.unwrap();
    }
    w.commit().await.unwrap();

    let id = |n: u8| world.credential(n).id;
    let ids = |found: Vec<Credential>| found.into_iter().map(|one| one.id).collect::<Vec<_>>();
    let mut r = db.store().read().await.unwrap();
    let org = &world.organization.id;
    let first = Page {
        after: None,
        limit: 3,
    };
    let page = credentials::list_migrations(&mut r, org, None, &first);
    assert_eq!(ids(page.await.unwrap()), [id(1), id(2), id(4)]);
    let rest = Page {
        after: Some(id(4).to_string()),
        limit: 3,
    };
    let project = Some(&world.project.id);
    let page = credentials::list_migrations(&mut r, org, project, &rest);
    assert_eq!(ids(page.await.unwrap()), [id(5), id(6)]);
    let nowhere = ProjectId::from_number(77);
    let page = credentials::list_migrations(&mut r, org, Some(&nowhere), &first);
    assert_eq!(ids(page.await.unwrap()), []);

    let found = credentials::to_migrate(&mut r, None, 9).await.unwrap();
    assert_eq!(ids(found), [id(1)]);
    let found = credentials::to_migrate(&mut r, Some(&id(1)), 9).await;
    assert_eq!(ids(found.unwrap()), []);

    let overdue = async |now, limit| {
        let mut r = db.store().read().await.unwrap();
        credentials::overdue(&mut r, at(now), limit).await.unwrap()
    };
    assert_eq!(overdue(9, 5).await, []);
    assert_eq!(overdue(20, 5).await, [id(4), id(5)]);
    assert_eq!(overdue(99, 2).await, [id(4), id(5)]);
}
