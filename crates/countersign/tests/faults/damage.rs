//! REL-07: pages of the database overwritten, before the start and while it runs.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::client::{CONTACT, Client};
use crate::place::Place;
use crate::running::{Around, copy};

const PAGE: usize = 4096;
/// The first byte of a leaf: of a table, of an index.
const TABLE: u8 = 0x0d;
const INDEX: u8 = 0x0a;

/// Overwrites every leaf of the kind that holds all of these texts; gives how many.
fn overwrite(database: &Path, kind: u8, texts: &[&str]) -> usize {
    let whole = fs::read(database).unwrap();
    let holds =
        |page: &[u8], text: &str| page.windows(text.len()).any(|part| part == text.as_bytes());
    let is_meant = |page: &[u8]| page[0] == kind && texts.iter().all(|text| holds(page, text));
    let pages = whole
        .chunks(PAGE)
        .enumerate()
        .filter(|(_, page)| is_meant(page));
    let mut file = File::options().write(true).open(database).unwrap();
    let overwrite = |(number, _): (usize, &[u8])| {
        let at = u64::try_from(number * PAGE).unwrap();
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(&[0xff; PAGE]).unwrap();
    };
    pages.map(overwrite).count()
}

fn overwrite_header(database: &Path) -> usize {
    let mut file = File::options().write(true).open(database).unwrap();
    file.write_all(&[0xff; 16]).unwrap();
    1
}

#[test]
fn damage_is_found_at_start_and_named_by_a_command() {
    let place = Place::with_project();
    let client = Client::new(&place, "client");
    let database = place.path("data/countersign.db");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", "data"];
    fs::create_dir(place.path("backup")).unwrap();
    copy(&place.path("data"), &place.path("backup"));

    for what in ["header", "table", "index"] {
        let damaged = match what {
            "header" => overwrite_header(&database),
            "table" => overwrite(&database, TABLE, &[CONTACT]),
            _ => overwrite(&database, INDEX, &[&client.id]),
        };
        assert!(damaged > 0, "{what}");

        let refused = Around::default().run(&place, &serve);
        let checked = place.admin(&["check"]);
        let json = place.admin(&["check", "--json"]);

        assert_eq!(refused.exit, 2, "{what}: {}", refused.stderr);
        for word in [
            "the database is damaged",
            "restore the last backup",
            "countersign.db`",
        ] {
            assert!(refused.stderr.contains(word), "{what}: {}", refused.stderr);
        }
        assert_eq!(
            (checked.exit, json.exit),
            (1, 1),
            "{what}: {}",
            checked.stderr
        );
        assert!(!checked.stdout.trim().is_empty(), "{what}");
        assert!(
            checked.stderr.contains("restore the last backup"),
            "{}",
            checked.stderr
        );
        let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(json["sound"], false, "{json}");
        copy(&place.path("backup"), &place.path("data"));
    }

    assert_eq!(place.json(&["check"])["sound"], true);
    let server = Around::default().serve(&place, "data");
    client.token(&server.origin);
}

#[test]
fn damage_under_a_server_is_told_and_only_stops_what_needs_the_page() {
    let place = Place::with_project();
    let known = Client::new(&place, "known");
    let unknown = Client::new(&place, "unknown");
    fs::create_dir(place.path("backup")).unwrap();
    copy(&place.path("data"), &place.path("backup"));
    let mut server = Around::default().serve(&place, "data");
    let origin = server.origin.clone();
    // A new server reads the last changes again, and forgets the clients that they concern.
    sleep(Duration::from_secs(2));
    let token = known.token(&origin);

    let damaged = overwrite(
        &place.path("data/countersign.db"),
        TABLE,
        &[CONTACT, &unknown.id],
    );
    assert!(damaged > 0);
    // A change: what readers have of the page in memory does not count any more.
    let revoked = known.revoke(&origin, "/ims/revoke", &token);
    assert_eq!(revoked.status, 200, "{revoked:?}");

    for _ in 0..3 {
        let refused = unknown.ask_for_token(&origin);
        assert_eq!(refused.status, 503, "{refused:?}");
        assert!(refused.has_header("retry-after"), "{refused:?}");
        assert!(known.holds(&origin, &known.token(&origin)));
        assert!(!known.holds(&origin, &token));
    }
    server.wait_until_ready_says(&["degraded", "damaged", "restore the last backup"]);
    server.wait_until_metric("database_damaged 1");
    server.wait_for_log("ERROR countersign_authority::storage: the database is damaged");
    assert!(!server.said().contains("panicked"), "{}", server.said());
    assert_eq!(server.end(), Some(0));

    assert_eq!(place.admin(&["check"]).exit, 1);
    copy(&place.path("backup"), &place.path("data"));
    let server = Around::default().serve(&place, "data");
    unknown.token(&server.origin);
}
