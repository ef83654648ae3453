//! What only a file can suffer.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use countersign_store::{Config, Error, Page, Store, Trouble, organizations, retry};
use tempfile::TempDir;

use crate::database::TestDatabase;
use crate::samples::{World, load, organization};

fn at_path(path: &Path) -> Config {
    Config {
        url: format!("sqlite://{}", path.display()),
        ..Config::default()
    }
}

#[tokio::test]
async fn the_folder_and_its_files_are_private() {
    let folder = TempDir::new().unwrap();
    let place = folder.path().join("made/by us");
    let path = place.join("päth %3F #.db");
    let url = format!("sqlite://{}/p%C3%A4th %253F %23.db", place.display());
    let store = Store::open(&Config {
        url,
        ..Config::default()
    })
    .await
    .unwrap();
    World::create(&store, 1).await;

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place), 0o700);
    assert_eq!(mode(&path), 0o600);
    let files: Vec<_> = fs::read_dir(&place).unwrap().collect();
    assert_eq!(
        files.len(),
        3,
        "the database, its log and its index: {files:?}"
    );
    for file in files {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    store.close().await;
}

#[tokio::test]
async fn a_memory_database_is_one_database_and_goes_with_its_store() {
    let config = Config {
        url: "sqlite::memory:".to_owned(),
        ..Config::default()
    };
    let store = Store::open(&config).await.unwrap();
    let other = Store::open(&config).await.unwrap();
    let world = World::create(&store, 1).await;
    let credential = world.stored_credential(&store, 1).await;

    assert_eq!(load(&store, &credential.id).await, credential);
    let mut r = other.read().await.unwrap();
    assert_eq!(
        organizations::list(&mut r, &Page::first()).await.unwrap(),
        []
    );
}

#[tokio::test]
async fn unusable_urls_are_refused_with_a_sentence() {
    for url in [
        "",
        "mysql://x",
        "sqlite:",
        "sqlite://",
        "sqlite://x.db?mode=ro",
        "nonsense",
    ] {
        let config = Config {
            url: url.to_owned(),
            ..Config::default()
        };
        let opened = Store::open(&config).await;
        assert!(
            matches!(opened, Err(Error::Unusable(_))),
            "{url}: {opened:?}"
        );
    }
}

#[tokio::test]
async fn a_file_of_another_kind_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "remember the milk").unwrap();

    let opened = Store::open(&at_path(&path)).await;

    assert!(matches!(opened, Err(Error::Damaged(_))), "{opened:?}");
    assert_eq!(fs::read(&path).unwrap(), b"remember the milk");
}

#[tokio::test]
async fn damage_in_any_page_is_found_at_start() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("whole.db");
    let store = Store::open(&at_path(&path)).await.unwrap();
    for n in 1..60 {
        World::create(&store, n).await;
    }
    store.close().await;
    let whole = fs::read(&path).unwrap();
    let pages = whole.len() / 4096;
    assert!(pages > 20, "{pages}");

    // Page 1 after the header, then the start of every page: of tables, indexes and their roots.
    for page in 0..pages {
        let start = if page == 0 { 100 } else { page * 4096 };
        let mut broken = whole.clone();
        broken[start..start + 16].fill(0xff);
        let path = folder.path().join(format!("broken-{page}.db"));
        fs::write(&path, broken).unwrap();

        let opened = Store::open(&at_path(&path)).await;

        let error = opened.expect_err("a broken page");
        assert!(matches!(error, Error::Damaged(_)), "page {page}: {error:?}");
        assert!(error.to_string().contains("backup"), "{error}");
    }
}

#[tokio::test]
async fn a_file_cut_in_half_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("cut.db");
    let store = Store::open(&at_path(&path)).await.unwrap();
    World::create(&store, 1).await;
    store.close().await;
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();

    let opened = Store::open(&at_path(&path)).await;

    assert!(matches!(opened, Err(Error::Damaged(_))), "{opened:?}");
}

#[tokio::test]
async fn a_column_of_another_type_is_corrupt() {
    let db = TestDatabase::sqlite().await;
    World::create(db.store(), 1).await;
    db.tamper("UPDATE organizations SET revision = 'many'")
        .await;

    let mut r = db.store().read().await.unwrap();
    let listed = organizations::list(&mut r, &Page::first()).await;

    let corrupt = matches!(&listed, Err(Error::Corrupt { column, .. }) if column == "revision");
    assert!(corrupt, "{listed:?}");
}

/// The server and an administrator's command on one file.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_write_to_one_file() {
    let db = TestDatabase::sqlite().await;
    let other = db.open_again().await.unwrap();
    let writers: Vec<_> = (1..=40)
        .map(|n| {
            let store = if n % 2 == 0 { db.store() } else { &other }.clone();
            tokio::spawn(async move {
                retry(|| async {
                    let mut w = store.write().await?;
                    organizations::insert(&mut w, &organization(n)).await?;
                    w.commit().await
                })
                .await
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }

    let mut r = other.read().await.unwrap();
    let listed = organizations::list(&mut r, &Page::first()).await.unwrap();
    assert_eq!(listed.len(), 40);
    drop(r);
    other.close().await;
    db.remove().await;
}

#[tokio::test]
async fn a_check_names_rows_whose_parents_are_gone() {
    let db = TestDatabase::sqlite().await;
    World::create(db.store(), 1).await;
    db.tamper("PRAGMA foreign_keys = OFF; DELETE FROM organizations")
        .await;

    let found = countersign_store::check(db.config()).await.unwrap();

    let about = |table: &str| found.iter().any(|line| line.contains(table));
    assert!(about("`projects`") && about("`organizations`"), "{found:?}");
}

/// SQLite ends a transaction by itself when there is no room; the driver does not hear of it.
#[tokio::test]
async fn a_transaction_that_the_engine_ended_does_not_end_writing() {
    let db = TestDatabase::sqlite().await;
    db.tamper(
        "CREATE TRIGGER full BEFORE INSERT ON organizations
         WHEN NEW.name = 'Organization 7'
         BEGIN SELECT RAISE(ROLLBACK, 'full'); END",
    )
    .await;
    let mut w = db.store().write().await.unwrap();
    let mut seventh = organization(7);
    seventh.name = "Organization 7".to_owned();
    organizations::insert(&mut w, &seventh).await.unwrap_err();
    drop(w);

    let mut w = db.store().write().await.unwrap();
    organizations::insert(&mut w, &organization(8))
        .await
        .unwrap();
    w.commit().await.unwrap();

    db.remove().await;
}

#[tokio::test]
async fn a_file_that_was_replaced_takes_no_writes() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("here.db");
    let store = Store::open(&at_path(&path)).await.unwrap();
    assert_eq!(store.troubles(), []);

    fs::rename(&path, folder.path().join("there.db")).unwrap();
    let gone = store.write().await;
    fs::write(&path, "another").unwrap();
    let another = store.write().await;

    assert!(matches!(gone, Err(Error::Gone(_))), "{gone:?}");
    assert!(matches!(another, Err(Error::Gone(_))), "{another:?}");
    assert!(matches!(&*store.troubles(), [Trouble::Failing(_)]));
    fs::rename(folder.path().join("there.db"), &path).unwrap();
    store.try_writing().await.unwrap();
    assert_eq!(store.troubles(), []);
    store.close().await;
}
