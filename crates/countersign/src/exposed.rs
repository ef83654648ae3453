//! Secrets on the command line: everybody on the machine can read them in the list of processes,
//! and the shell keeps them in its history (`spec/security.md` SUP-04).

use std::ffi::OsString;

use crate::outcome::Failure;

/// Refuses arguments that carry a secret, without repeating them.
pub fn refuse(args: impl IntoIterator<Item = OsString>) -> Result<(), Failure> {
    for (position, arg) in args.into_iter().enumerate().skip(1) {
        let arg = arg.to_string_lossy();
        let (name, value) = match arg.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, value),
            _ => (&*arg, &*arg),
        };
        if let Some(file_flag) = instead_of(name) {
            return Err(exposed(&format!("`{name}` does not exist")).hint(format!(
                "put it into a file of mode 0600 and name that with `{file_flag}`; `-` reads stdin"
            )));
        }
        if let Some(kind) = secret_in(value) {
            return Err(exposed(&format!("argument {position} looks like {kind}")).hint(
                "put it into a file of mode 0600 and name the file, or set `COUNTERSIGN_CLIENT_SECRET` or `COUNTERSIGN_ACCESS_TOKEN`",
            ));
        }
    }
    Ok(())
}

fn exposed(what: &str) -> Failure {
    Failure::broken(format!("{what}: secrets are not taken from arguments"))
        .hint("arguments are visible to everybody on this machine; if it was real, replace it")
}

/// The flag to use instead of one that people try.
fn instead_of(name: &str) -> Option<&'static str> {
    match name.replace('_', "-").as_str() {
        "--client-secret" | "--secret" | "--password" => Some("--client-secret-file"),
        "--private-key" => Some("--private-key-file"),
        "--access-token" | "--token" => Some("--access-token-file"),
        _ => None,
    }
}

fn secret_in(value: &str) -> Option<&'static str> {
    if value.starts_with("p8e-") && value.len() >= 20 {
        Some("a client secret")
    } else if value.starts_with("cspat-") && value.len() >= 20 {
        Some("an access token")
    } else if value.contains("PRIVATE KEY-----") {
        Some("a private key")
    } else if value.starts_with("eyJ") && value.split('.').count() == 3 {
        Some("a token or an assertion")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(args: &[&str]) -> Option<Failure> {
        let args = std::iter::once("countersign").chain(args.iter().copied());
        refuse(args.map(OsString::from)).err()
    }

    #[test]
    fn secrets_are_noticed_and_not_repeated() {
        let secret = "p8e-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let pem = "-----BEGIN PRIVATE KEY-----c4n4ry";
        for args in [
            &["token", secret][..],
            &["token", "--client-id", secret],
            &["token", "--scopes=eyJc4n4ry.eyJ.x"],
            &["token", "--client-secret", "c4n4ry"],
            &["token", "--client_secret=c4n4ry"],
            &["token", pem],
            &["projects", "list", "--access-token=c4n4ry"],
            &["projects", "list", "cspat-c4n4ryAAAAAAAAAAAAAA"],
        ] {
            let failure = format!("{:?}", refused(args).expect("refused"));
            assert!(!failure.contains("c4n4ry") && !failure.contains(secret));
        }
    }

    #[test]
    fn ordinary_arguments_pass() {
        let args = [
            "token",
            "--client-secret-file",
            "-",
            "--private-key-file=key.pem",
            "--scopes",
            "a.b.c",
        ];
        assert_eq!(refused(&args), None);
    }
}
