//! REL-36.

use std::fs::File;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::disk::{Disk, Room};
use crate::http::get;
use crate::place::Place;
use crate::running::Around;

const FACES: [&str; 2] = ["/ims/revoke", "/oauth2/revoke"];

#[test]
fn a_small_disk_that_is_full_stops_writes_and_nothing_else() {
    if let Some(disk) = Disk::small() {
        writes_stop_and_nothing_else(&disk);
    }
}

#[test]
fn a_file_that_may_not_grow_stops_writes_and_nothing_else() {
    writes_stop_and_nothing_else(&Disk::Limited);
}

fn writes_stop_and_nothing_else(disk: &Disk) {
    let place = Place::with_project();
    let client = Client::new(&place, "client");
    let mut server = disk.serve(&place);
    let origin = server.origin.clone();
    let (ends, stays) = (client.token(&origin), client.token(&origin));

    disk.fill(&place, &server);

    for path in FACES {
        let refused = client.revoke(&origin, path, &ends);
        assert_eq!(refused.status, 503, "{refused:?}");
        assert_eq!(refused.json()["error"], "temporarily_unavailable", "{path}");
        assert!(refused.has_header("retry-after"), "{refused:?}");
        assert!(refused.took < Duration::from_secs(2), "{refused:?}");
    }
    for _ in 0..20 {
        let token = client.token(&origin);
        assert!(client.holds(&origin, &token));
    }
    assert!(
        client.holds(&origin, &ends),
        "it was not said to be revoked"
    );
    server.wait_until_ready_says(&["degraded", "the disk of the database is full"]);
    server.wait_until_metric("database_failing 1");
    server.wait_for_log("ERROR countersign_authority::storage: the disk of the database");
    let told = server.said();
    let reason = told
        .lines()
        .find(|line| line.contains("POST /ims/revoke 503"));
    assert!(
        reason.unwrap().contains("the disk of the database"),
        "{told}"
    );
    let organizations = ["organizations", "create", "--name", "Second"];
    let command = disk.admin(&place, &server, Room::None, &organizations);
    assert_eq!(command.exit, 2, "{}", command.stdout);
    let sentence = "error: the disk of the database is full, nothing was saved";
    assert!(command.stderr.contains(sentence), "{}", command.stderr);
    assert!(
        command.stderr.contains("countersign.db`"),
        "{}",
        command.stderr
    );

    disk.free(&place, &server);

    server.wait_until_ready_says(&[r#""status":"ok","checks""#]);
    server.wait_for_log("the database takes writes again");
    for path in FACES {
        let revoked = client.revoke(&origin, path, &ends);
        assert_eq!(revoked.status, 200, "{revoked:?}");
    }
    assert!(!client.holds(&origin, &ends));
    assert!(client.holds(&origin, &stays));
    let admin = |args: &[&str]| disk.admin(&place, &server, Room::Enough, args);
    let checked = admin(&["check"]);
    assert_eq!(checked.exit, 0, "{}{}", checked.stdout, checked.stderr);
    let listed = admin(&["organizations", "list"]);
    assert_eq!(listed.exit, 0, "{}", listed.stderr);
    assert!(!listed.stdout.contains("Second"), "{}", listed.stdout);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_server_on_a_full_disk_says_so_instead_of_starting() {
    for disk in [Disk::small(), Some(Disk::Limited)].into_iter().flatten() {
        let place = Place::with_project();

        let refused = disk.serve_when_full(&place);

        assert_eq!(refused.exit, 2, "{}", refused.stderr);
        let sentence = "error: the disk of the database is full";
        assert!(refused.stderr.contains(sentence), "{}", refused.stderr);
        assert!(refused.stderr.contains("hint: "), "{}", refused.stderr);
        assert!(
            refused.stderr.contains("countersign.db`"),
            "{}",
            refused.stderr
        );
    }
}

/// `/dev/full` answers every write as a full disk does.
#[test]
fn requests_do_not_wait_for_a_log_that_cannot_be_written() {
    let place = Place::with_project();
    let client = Client::new(&place, "client");
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let origin = format!("http://{port}");
    let around = Around {
        prepare: "trap '' XFSZ".to_owned(),
        ..Around::default()
    };
    let args = ["serve", "--listen", &port.to_string(), "--data", "data"];
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut child = around.command(&place, &args).stderr(full).spawn().unwrap();
    let began = Instant::now();
    while std::net::TcpStream::connect(port).is_err() {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "it does not start"
        );
    }
    let token = client.token(&origin);
    let limited = std::process::Command::new("prlimit")
        .args(["--pid", &child.id().to_string(), "--fsize=0:"])
        .status();
    assert!(limited.unwrap().success());

    for _ in 0..100 {
        let answer = client.ask_for_token(&origin);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.took < Duration::from_secs(1), "{answer:?}");
        let answer = client.revoke(&origin, FACES[0], &token);
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.took < Duration::from_secs(1), "{answer:?}");
    }

    assert_eq!(get(&origin, "/healthz").status, 200);
    child.kill().unwrap();
    child.wait().unwrap();
}
