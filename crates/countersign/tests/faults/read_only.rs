//! REL-37: a data folder that may be read and not written.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use crate::client::Client;
use crate::place::{Place, Ran};
use crate::running::Around;

/// As a user whom permissions hold for. They do not hold for root, as long as it has the right to
/// pass them over.
fn held() -> Around {
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let launcher = match is_root {
        true => vec!["setpriv", "--bounding-set=-dac_override,-dac_read_search"],
        false => Vec::new(),
    };
    Around {
        launcher: launcher.into_iter().map(str::to_owned).collect(),
        ..Around::default()
    }
}

fn set_modes(place: &Place, folder: u32, file: u32) {
    for entry in fs::read_dir(place.path("data")).unwrap() {
        fs::set_permissions(entry.unwrap().path(), Permissions::from_mode(file)).unwrap();
    }
    fs::set_permissions(place.path("data"), Permissions::from_mode(folder)).unwrap();
}

fn is_refused_clearly(refused: &Ran) {
    assert_eq!(refused.exit, 2, "{}", refused.stderr);
    let sentence = "error: the database cannot be written, nothing was saved: look whether";
    assert!(refused.stderr.contains(sentence), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("countersign.db`"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_server_on_a_read_only_folder_says_so_instead_of_starting() {
    for (folder, file) in [(0o500, 0o400), (0o500, 0o600), (0o700, 0o400)] {
        let place = Place::with_project();
        set_modes(&place, folder, file);

        let refused = held().run(
            &place,
            &["serve", "--listen", "127.0.0.1:0", "--data", "data"],
        );

        is_refused_clearly(&refused);
        set_modes(&place, 0o700, 0o600);
        assert_eq!(held().serve(&place, "data").end(), Some(0));
    }
}

/// What is open stays writable: nothing that the server acknowledges is lost. Whoever opens the
/// database meanwhile is told.
#[test]
fn a_folder_made_read_only_under_a_server_loses_nothing() {
    let place = Place::with_project();
    let client = Client::new(&place, "client");
    let server = held().serve(&place, "data");
    let token = client.token(&server.origin);

    set_modes(&place, 0o500, 0o400);

    assert!(client.holds(&server.origin, &client.token(&server.origin)));
    let command = [
        "admin",
        "--data",
        "data",
        "organizations",
        "create",
        "--name",
        "Second",
    ];
    is_refused_clearly(&held().run(&place, &command));
    let revoked = client.revoke(&server.origin, "/ims/revoke", &token);
    assert_eq!(revoked.status, 200, "{revoked:?}");
    server.end();
    set_modes(&place, 0o700, 0o600);
    let server = held().serve(&place, "data");
    assert!(!client.holds(&server.origin, &token), "it was acknowledged");
}
