//! Opening: migrations, later schemas, damaged rows.

use countersign_store::{Engine, Error, Page, check, credentials, organizations, settings};

use crate::database::TestDatabase;
use crate::samples::{World, load, organization};

pub async fn what_was_written_is_there_after_reopening(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let credential = world.stored_credential(db.store(), 1).await;
    db.store().close().await;

    let reopened = db.open_again().await.unwrap();

    assert_eq!(reopened.engine(), db.store().engine());
    assert_eq!(load(&reopened, &credential.id).await, credential);
    reopened.close().await;
}

pub async fn many_processes_open_a_new_database_at_once(db: &TestDatabase) {
    let fresh = db.empty().await;
    let config = fresh.config();
    let openings: Vec<_> = (0..8)
        .map(|_| {
            let config = config.clone();
            tokio::spawn(async move { countersign_store::Store::open(&config).await })
        })
        .collect();

    for opening in openings {
        let store = opening.await.unwrap().unwrap();
        let mut r = store.read().await.unwrap();
        let version = settings::get(&mut r, "schema.readable_since")
            .await
            .unwrap();
        assert_eq!(version.as_deref(), Some("11"));
        drop(r);
        store.close().await;
    }
    fresh.remove().await;
}

pub async fn a_later_schema_is_opened_while_it_can_be_read(db: &TestDatabase) {
    db.tamper(match db.store().engine() {
        Engine::Sqlite => {
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'later', TRUE, X'00', 0)"
        }
        Engine::Postgres => {
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'later', TRUE, '\\x00', 0)"
        }
    })
    .await;
    db.open_again().await.unwrap().close().await;

    db.tamper("UPDATE settings SET value = '9999' WHERE name = 'schema.readable_since'")
        .await;
    let refused = db.open_again().await;

    let error = refused.expect_err("a schema that this release cannot read");
    assert!(
        matches!(error, Error::NewerSchema { needed: 9999, .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("later release"), "{error}");
}

pub async fn a_modified_migration_is_refused(db: &TestDatabase) {
    db.tamper(match db.store().engine() {
        Engine::Sqlite => "UPDATE _sqlx_migrations SET checksum = X'00'",
        Engine::Postgres => "UPDATE _sqlx_migrations SET checksum = '\\x00'",
    })
    .await;

    let refused = db.open_again().await;

    assert!(matches!(refused, Err(Error::Unusable(_))), "{refused:?}");
}

pub async fn a_row_that_cannot_be_read_is_named(db: &TestDatabase) {
    let world = World::create(db.store(), 1).await;
    let credential = world.stored_credential(db.store(), 1).await;
    db.tamper("UPDATE organizations SET numeric_id = 'twelve'")
        .await;
    db.tamper("UPDATE secrets SET digest = 'c2hvcnQ'").await;

    let mut r = db.store().read().await.unwrap();
    let listed = organizations::list(&mut r, &Page::first()).await;
    let found = credentials::find(&mut r, &credential.id).await;
    let joined = credentials::find_record(&mut r, &credential.client_id).await;

    let id = organization(1).id.to_string();
    match listed {
        Err(Error::Corrupt {
            table,
            id: of,
            column,
        }) => {
            assert_eq!(
                (table, &*of, &*column),
                ("organizations", &*id, "numeric_id")
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(
        matches!(
            found,
            Err(Error::Corrupt {
                table: "secrets",
                ..
            })
        ),
        "{found:?}"
    );
    let organizations = matches!(
        joined,
        Err(Error::Corrupt {
            table: "organizations",
            ..
        })
    );
    assert!(organizations, "{joined:?}");
}

pub async fn a_sound_database_is_found_sound(db: &TestDatabase) {
    World::create(db.store(), 1).await;

    assert_eq!(check(db.config()).await.unwrap(), Vec::<String>::new());
}
