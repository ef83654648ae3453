//! Projects, found and sorted.

use countersign_model::{Grants, Migration, Project};
use countersign_store::project_search::{Direction, Search, Sort, Wanted};
use countersign_store::{Page, credentials, project_search, projects};
use countersign_wire::{CredentialId, OrgId, ProjectId, ServiceCode};

use crate::database::TestDatabase;
use crate::samples::{NASTY, World, at, project, workspace};

/// Projects 11 to 15 of an organization; two of each key are equal.
async fn five(db: &TestDatabase, org: &OrgId) -> Vec<Project> {
    let mut w = db.store().write().await.unwrap();
    let mut all = Vec::new();
    for n in 11..=15 {
        let place = i64::try_from(n / 2).unwrap();
        let made = Project {
            name: format!("Name{}", "x".repeat(usize::try_from(n).unwrap() - 10)),
            title: format!("Title {}", n / 2),
            created_at: at(place),
            changed_at: at(100 - place),
            ..project(org, n)
        };
        projects::insert(&mut w, &made, &[workspace(&made)])
            .await
            .unwrap();
        all.push(made);
    }
    w.commit().await.unwrap();
    all
}

async fn ids(db: &TestDatabase, org: &OrgId, search: &Search) -> Vec<String> {
    let mut r = db.store().read().await.unwrap();
    let found = project_search::list(&mut r, org, search, &Page::first())
        .await
        .unwrap();
    found.iter().map(|one| one.id.to_string()).collect()
}

pub async fn a_page_behind_a_key_goes_on_in_every_order(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    five(db, &world.organization.id).await;
    for sort in [Sort::Changed, Sort::Created, Sort::Active, Sort::Title] {
        for direction in [Direction::Ascending, Direction::Descending] {
            let search = Search {
                sort,
                direction,
                ..Search::default()
            };
            let whole = ids(db, &world.organization.id, &search).await;

            let mut r = db.store().read().await.unwrap();
            let mut paged = Vec::new();
            let mut page = Page {
                after: None,
                limit: 2,
            };
            loop {
                let org = &world.organization.id;
                let found = project_search::list(&mut r, org, &search, &page);
                let found = found.await.unwrap();
                let Some(last) = found.last() else { break };
                page.after = Some(search.key_of(last));
                paged.extend(found.iter().map(|one| one.id.to_string()));
            }

            assert_eq!(paged, whole, "{search:?}");
            assert_eq!(paged.len(), 6, "{search:?}");
        }
    }
    let by_change = Search::default();
    let first = ids(db, &world.organization.id, &by_change).await;
    assert_eq!(first[..2], ["11", "13"], "the latest first, then by id");
}

pub async fn projects_are_found_by_what_is_in_them(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let org = &world.organization.id;
    five(db, org).await;
    let mut jwt = world.credential(1);
    jwt.grants = Grants::Jwt(Migration::Cancelled { at: at(5) });
    jwt.certificates[0].not_after = at(500);
    let mut w = db.store().write().await.unwrap();
    credentials::insert(&mut w, &jwt).await.unwrap();
    w.commit().await.unwrap();
    let own = jwt.project_id.to_string();
    let of = |text: &str| Search {
        text: text.to_owned(),
        ..Search::default()
    };
    let service = jwt.subscriptions[0].service.clone();
    let before = |at| Search {
        certificates_end_before: Some(at),
        ..Search::default()
    };
    let with = |service| Search {
        service: Some(service),
        ..Search::default()
    };
    let with_jwt = Search {
        jwt: Wanted::Yes,
        ..Search::default()
    };

    for search in [
        of(jwt.client_id.as_str()),
        of(jwt.technical_account_id.as_str()),
        of(&own),
        with_jwt.clone(),
        with(service),
        before(at(501)),
    ] {
        assert_eq!(
            ids(db, org, &search).await,
            std::slice::from_ref(&own),
            "{search:?}"
        );
    }
    assert_eq!(ids(db, org, &of("13")).await, ["13"]);
    let none = ServiceCode::parse("NoSuchSDK").unwrap();
    for search in [of("no such thing"), with(none), before(at(500))] {
        assert_eq!(ids(db, org, &search).await, [""; 0], "{search:?}");
    }
    let other = OrgId::from_random([77; 12]);
    for search in [Search::default(), with_jwt, of(jwt.client_id.as_str())] {
        assert_eq!(ids(db, &other, &search).await, [""; 0], "{search:?}");
    }

    let mut w = db.store().write().await.unwrap();
    let day = at(86_400_000);
    let nobody = (CredentialId::from_number(77), day);
    for days in [
        [(jwt.id.clone(), day), nobody.clone()],
        [(jwt.id.clone(), at(0)), nobody],
    ] {
        projects::note_activity(&mut w, &days).await.unwrap();
    }
    projects::touch(&mut w, &jwt.project_id, NASTY, at(1000))
        .await
        .unwrap();
    w.commit().await.unwrap();

    let mut r = db.store().read().await.unwrap();
    let used = projects::find(&mut r, &jwt.project_id).await.unwrap();
    let used = used.unwrap();
    assert_eq!(used.active_at, Some(day), "the latest day stays");
    assert_eq!((used.changed_at, &*used.changed_by), (at(1000), NASTY));
    let other = projects::find(&mut r, &ProjectId::from_number(11)).await;
    assert_eq!(other.unwrap().unwrap().active_at, None);
}

pub async fn what_is_typed_means_itself(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let org = &world.organization.id;
    five(db, org).await;
    let of = |text: &str| Search {
        text: text.to_owned(),
        ..Search::default()
    };
    let by = |text: &str| Search {
        created_by: text.to_owned(),
        ..Search::default()
    };

    // In every description: in any case, also of letters outside of ASCII.
    assert_eq!(ids(db, org, &of("o'neil \"%_\\'; dRop")).await.len(), 6);
    assert_eq!(ids(db, org, &of("ÜNÏCÖDÉ")).await.len(), 6);
    assert_eq!(ids(db, org, &of(" title 5 ")).await, ["11"]);
    for pattern in ["title%5", "title_5", "!", "\0"] {
        assert_eq!(ids(db, org, &of(pattern)).await, [""; 0], "{pattern:?}");
    }
    assert_eq!(ids(db, org, &by("ADA@")).await.len(), 6);
    assert_eq!(ids(db, org, &by("%")).await, [""; 0]);
    let changed = Search {
        changed_by: "drop table".to_owned(),
        ..Search::default()
    };
    assert_eq!(ids(db, org, &changed).await.len(), 6);
}
