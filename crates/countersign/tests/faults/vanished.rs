//! REL-37: the data folder moved or deleted under a running server.

use std::fs;

use crate::client::Client;
use crate::place::Place;
use crate::running::Around;

#[test]
fn a_data_folder_that_is_gone_stops_writes_until_it_is_back() {
    let place = Place::with_project();
    let client = Client::new(&place, "client");
    let mut server = Around::default().serve(&place, "data");
    let origin = server.origin.clone();
    let token = client.token(&origin);

    fs::rename(place.path("data"), place.path("elsewhere")).unwrap();

    // Saved into a file without a name, it would be lost when the server ends.
    let refused = client.revoke(&origin, "/ims/revoke", &token);
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(client.holds(&origin, &client.token(&origin)));
    server.wait_until_ready_says(&["degraded", "moved or deleted", "put the same file back"]);
    server.wait_for_log("ERROR countersign_authority::storage: the database file was moved");

    fs::create_dir(place.path("data")).unwrap();
    fs::copy(
        place.path("elsewhere/countersign.db"),
        place.path("data/countersign.db"),
    )
    .unwrap();
    let refused = client.revoke(&origin, "/ims/revoke", &token);
    assert_eq!(refused.status, 503, "a copy is another file: {refused:?}");
    fs::remove_dir_all(place.path("data")).unwrap();

    fs::rename(place.path("elsewhere"), place.path("data")).unwrap();
    server.wait_until_ready_says(&[r#""status":"ok","checks""#]);
    let revoked = client.revoke(&origin, "/ims/revoke", &token);
    assert_eq!(revoked.status, 200, "{revoked:?}");

    fs::remove_dir_all(place.path("data")).unwrap();
    let refused = client.revoke(&origin, "/ims/revoke", &token);
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(client.holds(&origin, &client.token(&origin)));
    assert_eq!(server.end(), Some(0));
}
