//! The token file.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use countersign_client::cache::CacheError;
use countersign_client::credentials::Draft;
use countersign_client::{Error, TokenFile};

use crate::stand_in::{StandIn, source, token_reply};

#[tokio::test]
async fn the_next_run_takes_the_token_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let ims = StandIn::start([token_reply()]).await;

    for _ in 0..2 {
        let source = source(&ims.oauth()).with_file(TokenFile::new(&file));
        assert_eq!(source.token().await.unwrap().expose(), "a-token");
    }

    assert_eq!(ims.asked().len(), 1);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        fs::read_dir(&folder).unwrap().count(),
        1,
        "nothing is left behind"
    );
}

#[tokio::test]
async fn another_scope_is_another_token() {
    let folder = tempfile::tempdir().unwrap();
    let file = TokenFile::new(folder.path().join("token"));
    let ims = StandIn::start([token_reply()]).await;
    let other = Draft {
        scopes: Some("openid".parse().unwrap()),
        ..ims.oauth()
    };

    source(&ims.oauth())
        .with_file(file.clone())
        .token()
        .await
        .unwrap();
    source(&other).with_file(file).token().await.unwrap();

    assert_eq!(ims.asked().len(), 2);
}

#[tokio::test]
async fn a_file_open_to_others_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, "{}").unwrap();
    let ims = StandIn::start([token_reply()]).await;
    for mode in [0o640, 0o604, 0o620, 0o602] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let source = source(&ims.oauth()).with_file(TokenFile::new(&file));
        let error = source.token().await.unwrap_err();
        assert!(
            matches!(error, Error::Cache(CacheError::Open(_))),
            "{error:?}"
        );
    }
    assert_eq!(ims.asked().len(), 0);
}
