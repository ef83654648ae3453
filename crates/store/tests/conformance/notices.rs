//! The outbox of notices, and what they are found by.

use countersign_model::notice::Kind;
use countersign_model::{
    Grants, InstallationRole, Membership, Migration, Person, Role, SignInName, State as Enabled,
};
use countersign_store::attempts;
use countersign_store::calendar_links::{self, CalendarLink};
use countersign_store::endings::{self, Part};
use countersign_store::messages::{self, Address, Channel, State};
use countersign_store::notices::{self, About, Notice};
use countersign_store::service_calls::Count;
use countersign_store::{Page, Store, credentials, members, people, retry};
use countersign_wire::{OrgId, PersonId, Timestamp};

use crate::database::TestDatabase;
use crate::samples::{NASTY, World, at, certificate, secret};

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn address(world: &World, recipient: &str) -> Address {
    Address {
        org_id: world.organization.id.clone(),
        channel: Channel::Mail,
        recipient: recipient.to_owned(),
    }
}

fn notice(world: &World, key: &str, recipient: &str) -> Notice {
    let credential = world.credential(1);
    Notice {
        key: key.to_owned(),
        address: address(world, recipient),
        kind: Kind::SecretExpires,
        subject: NASTY.to_owned(),
        name: NASTY.to_owned(),
        ends_at: at(5),
        days_before: 30,
        credential: Some(About {
            id: credential.id,
            client_id: credential.client_id,
            project_id: credential.project_id,
            name: NASTY.to_owned(),
        }),
    }
}

async fn insert(store: &Store, all: &[Notice]) -> u64 {
    retry(|| async {
        let mut w = store.write().await?;
        let inserted = notices::insert(&mut w, all, NOW).await?;
        w.commit().await.map(|()| inserted)
    })
    .await
    .unwrap()
}

/// Makes messages of all notices that none carries, as the leader does.
async fn bundle(store: &Store, most: u32) -> Vec<String> {
    let mut w = store.write().await.unwrap();
    let mut made = Vec::new();
    loop {
        let found = notices::unbundled(&mut w, 10).await.unwrap();
        if found.is_empty() {
            break;
        }
        for to in found {
            let id = messages::insert(&mut w, &to, NOW).await.unwrap();
            assert!(notices::bundle(&mut w, &id, &to, most).await.unwrap() > 0);
            made.push(id);
        }
    }
    w.commit().await.unwrap();
    made
}

async fn listed(store: &Store, org: &OrgId, state: Option<State>) -> Vec<notices::Noted> {
    let mut r = store.read().await.unwrap();
    let page = Page::first();
    notices::list(&mut r, org, state, &page).await.unwrap()
}

pub async fn nodes_that_find_the_same_tell_it_once(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let all: Vec<_> = (0..40)
        .map(|n| notice(&world, &format!("key {n}"), "a@example.com"))
        .collect();
    let second_node = db.open_again().await.unwrap();
    let tasks = (0..8).map(|n| {
        let store = if n % 2 == 0 { db.store() } else { &second_node }.clone();
        let all = all.clone();
        tokio::spawn(async move { insert(&store, &all).await })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut inserted = 0;
    for task in tasks {
        inserted += task.await.unwrap();
    }
    assert_eq!(inserted, 40);
    assert_eq!(insert(db.store(), &all).await, 0);
    // Somebody else is told the same.
    let other = notice(&world, "key 0", "b@example.com");
    assert_eq!(insert(db.store(), &[other]).await, 1);
    second_node.close().await;
}

pub async fn notices_are_bundled_by_address_and_listed(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let org = &world.organization.id;
    let mut all: Vec<_> = ["1", "2", "3"]
        .map(|key| notice(&world, key, "a@example.com"))
        .into();
    let mut policy = notice(&world, "4", NASTY);
    policy.address.channel = Channel::Webhook;
    policy.credential = None;
    policy.ends_at = at(4);
    all.push(policy.clone());
    insert(db.store(), &all).await;

    let found = listed(db.store(), org, None).await;
    assert!(
        found
            .iter()
            .all(|one| one.state == State::Pending && one.attempts == 0)
    );
    let made = bundle(db.store(), 2).await;
    assert_eq!(made.len(), 3, "two and one to one, one to the other");

    let mut r = db.store().read().await.unwrap();
    let due = messages::due(&mut r, NOW, 10).await.unwrap();
    assert_eq!(due.len(), 3);
    assert!(messages::due(&mut r, at(1), 10).await.unwrap().is_empty());
    let hook = due.iter().find(|one| one.address == policy.address);
    let hook = hook.unwrap();
    let carried = notices::of_message(&mut r, &hook.id, 10).await.unwrap();
    assert_eq!(carried, (vec![policy.clone()], 1));
    let first = notices::of_message(&mut r, &made[0], 1).await.unwrap();
    assert_eq!((first.0.len(), first.1), (1, 2));
    drop(r);

    let mut w = db.store().write().await.unwrap();
    assert!(messages::claim(&mut w, hook, at(2_000_000)).await.unwrap());
    messages::sent(&mut w, hook, at(1_000_001)).await.unwrap();
    w.commit().await.unwrap();

    let sent = listed(db.store(), org, Some(State::Sent)).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].notice, policy);
    assert_eq!(
        (sent[0].attempts, sent[0].sent_at),
        (1, Some(at(1_000_001)))
    );
    assert_eq!(listed(db.store(), org, Some(State::Pending)).await.len(), 3);
    // The newest first, page by page.
    let all = listed(db.store(), org, None).await;
    let mut r = db.store().read().await.unwrap();
    let page = Page {
        after: Some(all[1].id.clone()),
        limit: 10,
    };
    let rest = notices::list(&mut r, org, None, &page).await.unwrap();
    assert_eq!(rest, all[2..]);
    let elsewhere = OrgId::from_random([9; 12]);
    let page = Page::first();
    let none = notices::list(&mut r, &elsewhere, None, &page).await;
    assert!(none.unwrap().is_empty());
}

async fn one_message(db: &TestDatabase) -> messages::Message {
    let world = World::create(db.store(), 1).await;
    insert(db.store(), &[notice(&world, "1", "a@example.com")]).await;
    bundle(db.store(), 100).await;
    due(db.store(), NOW).await.unwrap()
}

async fn due(store: &Store, now: Timestamp) -> Option<messages::Message> {
    let mut r = store.read().await.unwrap();
    messages::due(&mut r, now, 10).await.unwrap().pop()
}

pub async fn a_message_is_claimed_by_one_node(db: &TestDatabase) {
    let message = one_message(db).await;
    let second_node = db.open_again().await.unwrap();
    let tasks = (0..16).map(|n| {
        let store = if n % 2 == 0 { db.store() } else { &second_node }.clone();
        let message = message.clone();
        tokio::spawn(async move {
            retry(|| async {
                let mut w = store.write().await?;
                let is_ours = messages::claim(&mut w, &message, at(2_000_000)).await?;
                w.commit().await.map(|()| is_ours)
            })
            .await
            .unwrap()
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut claims = 0;
    for task in tasks {
        claims += u32::from(task.await.unwrap());
    }
    assert_eq!(claims, 1);
    assert_eq!(due(db.store(), at(1_999_999)).await, None);
    // Whoever claimed it and died: another one tries, and knows that it was tried.
    let again = due(db.store(), at(2_000_000)).await.unwrap();
    assert_eq!(again.attempts, 1);
    assert_eq!(again.id, message.id);
    second_node.close().await;
}

pub async fn a_failed_message_waits_and_is_given_up(db: &TestDatabase) {
    let message = one_message(db).await;
    let org = message.address.org_id.clone();
    let mut w = db.store().write().await.unwrap();
    assert!(
        messages::claim(&mut w, &message, at(2_000_000))
            .await
            .unwrap()
    );
    let later = Some(at(1_500_000));
    messages::failed(&mut w, &message, NASTY, later)
        .await
        .unwrap();
    assert_eq!(messages::count_unsent(&mut w, NOW).await.unwrap(), (1, 0));
    w.commit().await.unwrap();

    assert_eq!(due(db.store(), at(1_499_999)).await, None);
    let again = due(db.store(), at(1_500_000)).await.unwrap();
    let waits = listed(db.store(), &org, Some(State::Pending)).await;
    assert_eq!(waits[0].trouble.as_deref(), Some(NASTY));

    let mut w = db.store().write().await.unwrap();
    assert!(
        messages::claim(&mut w, &again, at(3_000_000))
            .await
            .unwrap()
    );
    // The first try was only slow: what it has to say now is not heard.
    messages::failed(&mut w, &message, "late", None)
        .await
        .unwrap();
    assert_eq!(messages::count_unsent(&mut w, NOW).await.unwrap(), (1, 0));
    messages::failed(&mut w, &again, "gone", None)
        .await
        .unwrap();
    assert_eq!(messages::count_unsent(&mut w, NOW).await.unwrap(), (0, 1));
    w.commit().await.unwrap();
    let failed = listed(db.store(), &org, Some(State::Failed)).await;
    assert_eq!(failed[0].trouble.as_deref(), Some("gone"));
    assert_eq!(due(db.store(), at(i64::MAX)).await, None);
}

pub async fn old_notices_are_trimmed(db: &TestDatabase) {
    one_message(db).await;
    let mut w = db.store().write().await.unwrap();
    assert_eq!(messages::trim(&mut w, at(i64::MAX), 10).await.unwrap(), 0);
    assert_eq!(notices::trim(&mut w, NOW, 10).await.unwrap(), 0);
    assert_eq!(notices::trim(&mut w, at(1_000_001), 10).await.unwrap(), 1);
    assert_eq!(messages::trim(&mut w, at(1_000_001), 10).await.unwrap(), 1);
}

pub async fn ends_are_listed_in_pages_and_counted(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let mut w = db.store().write().await.unwrap();
    for n in 1..=3 {
        let mut credential = world.credential(n);
        credential.certificates[0].not_after = at(i64::from(n) * 100);
        let mut second = certificate(n + 50);
        second.not_after = at(100);
        credential.certificates.push(second);
        let mut expiring = secret(n + 50);
        expiring.expires_at = Some(at(i64::from(n) * 1000));
        credential.secrets.push(expiring);
        if n == 3 {
            credential.state = Enabled::Disabled { at: at(1) };
        }
        credentials::insert(&mut w, &credential).await.unwrap();
    }
    w.commit().await.unwrap();

    let mut r = db.store().read().await.unwrap();
    let (first, second) = (world.credential(1).id, world.credential(2).id);
    let span = (at(100), at(200));
    let found = endings::list(&mut r, Part::Certificates, span, None)
        .await
        .unwrap();
    let ids: Vec<_> = found.iter().map(|end| &end.credential_id).collect();
    // The page's key tells credentials, so a credential that has two at once comes twice.
    assert_eq!(ids, [&first, &first, &second]);
    let rest = endings::list(&mut r, Part::Certificates, span, found.get(1)).await;
    assert_eq!(rest.unwrap(), found[2..]);
    let span = (at(100), at(201));
    assert_eq!(
        endings::count(&mut r, Part::Certificates, span)
            .await
            .unwrap(),
        4
    );
    let span = (at(1000), at(2001));
    assert_eq!(
        endings::count(&mut r, Part::Secrets, span).await.unwrap(),
        2
    );
    let found = endings::list(&mut r, Part::Secrets, span, None)
        .await
        .unwrap();
    assert_eq!(found[1].at, at(2000));

    let org = &world.organization.id;
    let own = endings::of_organization(&mut r, Part::Secrets, org, span).await;
    assert_eq!(own.unwrap(), found);
    let elsewhere = OrgId::from_random([9; 12]);
    let none = endings::of_organization(&mut r, Part::Certificates, &elsewhere, span).await;
    assert!(none.unwrap().is_empty());
    let halves = endings::with_jwt_half(&mut r, org, &Page::first()).await;
    assert_eq!(halves.unwrap(), [first.clone(), second.clone()]);
    let counted = endings::count_jwt_halves(&mut r).await.unwrap();
    assert_eq!(counted, [("jwt_paired".to_owned(), 3)]);
    let found = credentials::of_ids(&mut r, &[second, first]).await.unwrap();
    assert_eq!(found.len(), 2);
    let owned = endings::owned(&mut r, org, &Page::first()).await.unwrap();
    assert_eq!(owned.len(), 3);
    assert_eq!(owned[0].owner, world.credential(1).owner);
}

pub async fn migrations_to_tell_of_are_listed(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let disabled = |at: i64| Migration::Disabled {
        since: Timestamp::from_millis(1),
        at: Timestamp::from_millis(at),
        until: Timestamp::from_millis(at + 7),
    };
    let off = Enabled::Disabled { at: at(1) };
    let all = [
        (1, Migration::Paired { since: at(1) }, Enabled::Enabled, 0),
        (2, disabled(5), Enabled::Enabled, 1),
        (3, disabled(5), Enabled::Enabled, 0),
        (4, Migration::Paired { since: at(1) }, off, 0),
        (5, disabled(5), off, 1),
        (6, Migration::NotStarted, Enabled::Enabled, 0),
        (7, Migration::Paired { since: at(1) }, Enabled::Enabled, 1),
        (8, Migration::Completed { at: at(9) }, Enabled::Enabled, 1),
    ];
    let mut w = db.store().write().await.unwrap();
    for (n, migration, state, attempts) in all {
        let mut credential = world.credential(n);
        credential.grants = Grants::Jwt(migration);
        credential.state = state;
        credentials::insert(&mut w, &credential).await.unwrap();
        if attempts > 0 {
            let count = Count {
                first_at: at(6),
                last_at: at(6),
                uses: attempts,
            };
            attempts::add(&mut w, &credential.id, &count).await.unwrap();
        }
    }
    w.commit().await.unwrap();

    let id = |n| world.credential(n).id;
    let mut r = db.store().read().await.unwrap();
    let found = endings::migrating(&mut r, &Page::first()).await.unwrap();
    assert_eq!(found, [id(1), id(2), id(7)]);
    let behind = Page {
        after: Some(id(1).to_string()),
        limit: 1,
    };
    let next = endings::migrating(&mut r, &behind).await.unwrap();
    assert_eq!(next, [id(2)]);
    let org = &world.organization.id;
    assert_eq!(endings::tried(&mut r, org).await.unwrap(), [id(2)]);
    let elsewhere = OrgId::from_random([9; 12]);
    assert!(endings::tried(&mut r, &elsewhere).await.unwrap().is_empty());
}

pub async fn administrators_are_those_who_can_sign_in(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let mut w = db.store().write().await.unwrap();
    let off = Enabled::Disabled { at: at(1) };
    for (n, name, role, person, membership) in [
        (
            1,
            "z@example.com",
            Role::SystemAdministrator,
            Enabled::Enabled,
            Enabled::Enabled,
        ),
        (
            2,
            "a@example.com",
            Role::SystemAdministrator,
            Enabled::Enabled,
            Enabled::Enabled,
        ),
        (
            3,
            "b@example.com",
            Role::SystemAdministrator,
            off,
            Enabled::Enabled,
        ),
        (
            4,
            "c@example.com",
            Role::SystemAdministrator,
            Enabled::Enabled,
            off,
        ),
        (
            5,
            "d@example.com",
            Role::Developer,
            Enabled::Enabled,
            Enabled::Enabled,
        ),
    ] {
        let person = Person {
            id: PersonId::from_random([n; 12]),
            sign_in_name: SignInName::parse(name).unwrap(),
            name: NASTY.to_owned(),
            installation: InstallationRole::None,
            state: person,
            created_at: at(1),
            revision: 1,
        };
        people::insert(&mut w, &person, Some("phc")).await.unwrap();
        let membership = Membership {
            person_id: person.id,
            org_id: world.organization.id.clone(),
            role,
            profiles: Vec::new(),
            state: membership,
            created_at: at(1),
            revision: 1,
        };
        members::insert(&mut w, &membership).await.unwrap();
    }
    let org = &world.organization.id;
    let found = members::administrators(&mut w, org).await.unwrap();
    let names: Vec<_> = found.iter().map(SignInName::as_str).collect();
    assert_eq!(names, ["a@example.com", "z@example.com"]);
}

pub async fn a_calendar_link_is_found_by_its_digest(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let org = &world.organization.id;
    let link = |n| CalendarLink {
        created_by: NASTY.to_owned(),
        created_at: at(n),
    };
    let mut w = db.store().write().await.unwrap();
    assert_eq!(calendar_links::find(&mut w, org).await.unwrap(), None);
    calendar_links::put(&mut w, org, "one", &link(1))
        .await
        .unwrap();
    calendar_links::put(&mut w, org, "two", &link(2))
        .await
        .unwrap();
    assert_eq!(
        calendar_links::find(&mut w, org).await.unwrap(),
        Some(link(2))
    );
    let one = calendar_links::find_organization(&mut w, "one").await;
    let two = calendar_links::find_organization(&mut w, "two").await;
    assert_eq!((one.unwrap(), two.unwrap().as_ref()), (None, Some(org)));
    calendar_links::remove(&mut w, org).await.unwrap();
    let gone = calendar_links::find_organization(&mut w, "two").await;
    assert_eq!(gone.unwrap(), None);
}
