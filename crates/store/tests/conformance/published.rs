//! Published services and the calls of them.

use countersign_model::PublishedService;
use countersign_model::evidence::{Seen, Trace};
use countersign_store::published_services::StoredService;
use countersign_store::service_calls::{self, Calls, Count};
use countersign_store::usage::Grant;
use countersign_store::{Error, credentials, published_services, retry};
use countersign_wire::{Agent, Caller, PublishedName, ServiceCode};

use crate::database::TestDatabase;
use crate::samples::{World, at};

fn service(name: &str) -> PublishedService {
    let text = format!("name = \"{name}\"\nservice = \"DocCloudSDK\"\nupstreams = [\"http://a\"]");
    PublishedService::from_toml(&text).unwrap()
}

pub async fn definitions_are_kept_as_they_are(db: &TestDatabase) {
    let mut w = db.store().write().await.unwrap();
    for name in ["b", "a"] {
        published_services::insert(&mut w, &service(name), at(1))
            .await
            .unwrap();
    }
    w.commit().await.unwrap();

    let mut w = db.store().write().await.unwrap();
    let stored = published_services::list(&mut w).await.unwrap();
    let read = |stored: &StoredService| {
        (
            stored.name.as_str().to_owned(),
            PublishedService::from_json(&stored.definition).unwrap(),
        )
    };
    let stored: Vec<_> = stored.iter().map(read).collect();
    assert_eq!(
        stored,
        ["a", "b"].map(|name| (name.to_owned(), service(name)))
    );
    let name = PublishedName::parse("a").unwrap();
    let first = published_services::find(&mut w, &name).await.unwrap();
    let first = first.unwrap();
    let mut changed = service("a");
    changed.retries = 0;
    published_services::replace(&mut w, &changed, first.revision)
        .await
        .unwrap();
    let second = published_services::find(&mut w, &name).await.unwrap();
    let second = second.unwrap();
    assert_eq!((first.revision, second.revision), (0, 1));
    assert_eq!(second.definition, changed.to_json());
    for stale in [
        published_services::replace(&mut w, &changed, first.revision).await,
        published_services::delete(&mut w, &first).await,
    ] {
        assert!(matches!(stale, Err(Error::Conflict)), "{stale:?}");
    }
    published_services::delete(&mut w, &second).await.unwrap();
    let gone = published_services::find(&mut w, &name).await.unwrap();
    assert_eq!(gone, None);
    w.commit().await.unwrap();
    let mut w = db.store().write().await.unwrap();
    let again = published_services::insert(&mut w, &service("b"), at(2)).await;
    assert!(matches!(again, Err(Error::Duplicate)), "{again:?}");
}

/// Which services fit beside each other is decided over all of them.
pub async fn whoever_publishes_second_sees_the_first(db: &TestDatabase) {
    let publish = |n: u8| {
        let store = db.store().clone();
        tokio::spawn(async move {
            retry(|| async {
                let mut w = store.write().await?;
                published_services::lock(&mut w).await?;
                let others = published_services::list(&mut w).await?.len();
                let name = format!("after-{others}-by-{n}");
                published_services::insert(&mut w, &service(&name), at(1)).await?;
                w.commit().await?;
                Ok::<_, Error>(others)
            })
            .await
            .unwrap()
        })
    };
    let mut seen = Vec::new();
    for publisher in (0..6).map(publish).collect::<Vec<_>>() {
        seen.push(publisher.await.unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3, 4, 5]);
}

pub async fn calls_of_a_service_are_added_up_and_saved(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let id = world.stored_credential(db.store(), 1).await.id;
    let calls = |code: &str, grant| Calls {
        credential_id: id.clone(),
        service: ServiceCode::parse(code).unwrap(),
        grant,
    };
    let (pdf, other) = (
        calls("DocCloudSDK", Grant::JwtExchange),
        calls("DocCloudSDK", Grant::ClientCredentials),
    );
    let count = |first, last, uses| Count {
        first_at: at(first),
        last_at: at(last),
        uses,
    };
    let seen = |agent: &str, uses| {
        let caller = Caller {
            agent: Agent::of(agent.as_bytes()),
            ..Caller::default()
        };
        let trace = Trace {
            caller,
            secret: None,
            minted_by: "certificate:1".into(),
        };
        Seen {
            uses,
            ..Seen::once(trace, at(5))
        }
    };
    let mut w = db.store().write().await.unwrap();
    for (calls, count) in [
        (&pdf, count(5, 6, 2)),
        (&pdf, count(3, 4, 1)),
        (&other, count(9, 9, 1)),
    ] {
        service_calls::add(&mut w, calls, &count).await.unwrap();
    }
    let first = [seen("a/1", 1), seen("b/1", 2)];
    let second = [seen("b/1", 7), Seen::of_others(at(6))];
    service_calls::save(&mut w, &pdf, &[], &first)
        .await
        .unwrap();
    let stored = service_calls::list(&mut w, &pdf).await.unwrap();
    assert_eq!(stored, first);
    service_calls::save(&mut w, &pdf, &stored, &second)
        .await
        .unwrap();
    w.commit().await.unwrap();

    let mut w = db.store().write().await.unwrap();
    let found = service_calls::of_credential(&mut w, &id).await.unwrap();
    let expected = [
        (other.clone(), count(9, 9, 1)),
        (pdf.clone(), count(3, 6, 3)),
    ];
    assert_eq!(found, expected);
    let stored = service_calls::list(&mut w, &pdf).await.unwrap();
    assert_eq!(stored.len(), 2);
    assert!(second.iter().all(|seen| stored.contains(seen)));
    assert_eq!(service_calls::list(&mut w, &other).await.unwrap(), []);
    let credential = credentials::find(&mut w, &id).await.unwrap().unwrap();
    credentials::delete(&mut w, &credential).await.unwrap();
    assert_eq!(service_calls::of_credential(&mut w, &id).await.unwrap(), []);
    service_calls::add(&mut w, &pdf, &count(1, 1, 1))
        .await
        .unwrap();
    service_calls::save(&mut w, &pdf, &[], &first)
        .await
        .unwrap();
    assert_eq!(service_calls::list(&mut w, &pdf).await.unwrap(), []);
    w.commit().await.unwrap();
}
