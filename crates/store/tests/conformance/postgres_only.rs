//! What only a server behind a network can do to us.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use countersign_store::{Config, Error, Page, Store, credentials, organizations, retry};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::database::TestDatabase;
use crate::samples::{World, load, organization};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_row_changed_since_it_was_loaded_is_busy_not_overwritten() {
    let Some(db) = TestDatabase::postgres().await else {
        return;
    };
    let world = World::create(db.store(), 1).await;
    let before = world.stored_credential(db.store(), 1).await;
    let mut after = before.clone();
    after.name = "later".to_owned();

    let mut slow = db.store().write().await.unwrap();
    let loaded = credentials::find(&mut slow, &before.id)
        .await
        .unwrap()
        .unwrap();
    let mut fast = db.store().write().await.unwrap();
    credentials::save(&mut fast, &before, &after).await.unwrap();
    fast.commit().await.unwrap();
    let saved = credentials::save(&mut slow, &loaded, &before).await;

    assert!(matches!(saved, Err(Error::Busy(_))), "{saved:?}");
    drop(slow);
    assert_eq!(load(db.store(), &before.id).await.name, "later");
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_backend_is_lost_before_the_commit_and_repeated() {
    let Some(db) = TestDatabase::postgres().await else {
        return;
    };
    let mut first = true;
    let kill = std::sync::Mutex::new(&mut first);

    retry(|| async {
        let mut w = db.store().write().await?;
        organizations::insert(&mut w, &organization(1)).await?;
        let now = std::mem::take(&mut **kill.lock().unwrap());
        if now {
            db.tamper(KILL_OTHERS).await;
            let after = organizations::insert(&mut w, &organization(2)).await;
            assert!(matches!(after, Err(Error::Lost(_))), "{after:?}");
            after?;
        }
        w.commit().await
    })
    .await
    .unwrap();

    let mut r = db.store().read().await.unwrap();
    assert_eq!(
        organizations::list(&mut r, &Page::first())
            .await
            .unwrap()
            .len(),
        1
    );
    drop(r);
    db.remove().await;
}

const KILL_OTHERS: &str = "
    SELECT pg_terminate_backend(pid)
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test]
async fn a_server_that_may_lose_commits_is_refused() {
    let Some(db) = TestDatabase::postgres().await else {
        return;
    };
    for level in ["off", "local", "remote_write", "on", "remote_apply"] {
        db.set_on_database("synchronous_commit", level).await;
        let opened = db.open_again().await;
        match level {
            "on" | "remote_apply" => opened.unwrap().close().await,
            _ => {
                let error = opened.expect_err(level);
                assert!(matches!(error, Error::Unusable(_)), "{error:?}");
                assert!(error.to_string().contains("synchronous_commit"), "{error}");
            }
        }
    }
    db.remove().await;
}

#[tokio::test]
async fn an_absent_server_is_unavailable_in_time() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    let started = Instant::now();

    // It takes the connection, and never says a word.
    let silent = Store::open(&config(format!("postgres://postgres@{address}/x"))).await;
    drop(free);
    let absent = Store::open(&config(format!("postgres://postgres@{address}/x"))).await;

    assert!(matches!(silent, Err(Error::Unavailable(_))), "{silent:?}");
    assert!(absent.is_err());
    assert!(started.elapsed() < Duration::from_secs(5));
}

fn config(url: String) -> Config {
    Config {
        url,
        max_connections: 2,
        acquire_timeout_ms: 1000,
        statement_timeout_ms: 1000,
        ..Config::default()
    }
}

/// The network goes silent in the middle of everything, for longer than the time limits; nothing
/// waits for it, and when it is back, so are we, without a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_silent_network_costs_bounded_time_and_heals() {
    let Some(db) = TestDatabase::postgres().await else {
        return;
    };
    let (flow, proxy) = proxy(db.server_address()).await;
    let config = config(db.url_through(proxy));
    let store = Store::open(&config).await.unwrap();
    let mut read_before = store.read().await.unwrap();
    let mut write_before = store.write().await.unwrap();
    organizations::insert(&mut write_before, &organization(1))
        .await
        .unwrap();

    flow.send(Flow::Silent).unwrap();
    let started = Instant::now();
    let commit = write_before.commit().await;
    let listed = organizations::list(&mut read_before, &Page::first()).await;
    drop(read_before);
    for _ in 0..4 {
        let begun = store.write().await;
        assert!(matches!(begun, Err(Error::Unavailable(_))), "{begun:?}");
    }
    let took = started.elapsed();
    flow.send(Flow::Passes).unwrap();

    assert!(matches!(commit, Err(Error::InDoubt(_))), "{commit:?}");
    assert!(matches!(listed, Err(Error::Unavailable(_))), "{listed:?}");
    assert!(took < Duration::from_secs(12), "{took:?}");
    let healed = tokio::time::timeout(Duration::from_secs(20), async {
        while store.write().await.is_err() {}
    });
    healed.await.unwrap();
    store.close().await;
    db.remove().await;
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flow {
    Passes,
    Silent,
}

/// Passes bytes on while the flow says so. What is held back while it is silent is lost, with the
/// connection that it was on.
async fn proxy(server: SocketAddr) -> (watch::Sender<Flow>, SocketAddr) {
    let (sender, flow) = watch::channel(Flow::Passes);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(server).await.unwrap();
            let (near_in, near_out) = near.into_split();
            let (far_in, far_out) = far.into_split();
            tokio::spawn(pass(near_in, far_out, flow.clone()));
            tokio::spawn(pass(far_in, near_out, flow.clone()));
        }
    });
    (sender, address)
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut flow: watch::Receiver<Flow>,
) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if *flow.borrow() == Flow::Silent {
            let _ = flow.wait_for(|flow| *flow == Flow::Passes).await;
            return;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
