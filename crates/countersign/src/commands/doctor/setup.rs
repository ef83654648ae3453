//! What can be told without asking anybody: completeness, key, certificate.

use std::time::Duration;

use countersign_client::credentials::{Draft, signing_key};
use countersign_jose::{Certificate, SigningKey};
use countersign_wire::Timestamp;
use countersign_wire::credential_file::GrantName;

use super::report::Report;
use crate::outcome::Failure;

/// Whether there is enough to ask for a token.
pub fn examine(draft: &Draft, now: Timestamp, report: &mut Report) -> bool {
    let complete = match draft.missing() {
        missing if missing.is_empty() => {
            report.ok("credential", "everything the grant needs is there");
            true
        }
        missing => {
            let error = countersign_client::CredentialsError::Missing(missing);
            report.failure("credential", &Failure::from(error));
            false
        }
    };
    if draft.grant_name() == GrantName::ClientCredentials {
        return complete;
    }
    let key = examine_key(draft, report);
    examine_certificate(draft, key.as_ref(), now, report);
    complete && key.is_some()
}

fn examine_key(draft: &Draft, report: &mut Report) -> Option<SigningKey> {
    match signing_key(draft.private_key.as_ref()?) {
        Ok(key) => {
            let bits = key.verifying_key().bits();
            report.ok("key", format!("the private key is RSA with {bits} bits"));
            Some(key)
        }
        Err(error) => {
            report.wrong(
                "key",
                error.to_string(),
                "assertions are signed with RS256, by an RSA key of at least 2048 bits in PEM",
                "give the private key that belongs to the certificate of this credential",
            );
            None
        }
    }
}

fn examine_certificate(
    draft: &Draft,
    key: Option<&SigningKey>,
    now: Timestamp,
    report: &mut Report,
) {
    let Some(pem) = &draft.certificate else {
        return;
    };
    let certificate = match Certificate::parse(pem.as_bytes()) {
        Ok(certificate) => certificate,
        Err(error) => {
            return report.wrong(
                "certificate",
                error.to_string(),
                "the server verifies assertions with this certificate",
                "give the certificate that was uploaded for this credential",
            );
        }
    };
    examine_validity(&certificate, now, report);
    match key {
        Some(key) if key.verifying_key() == certificate.public_key() => {
            report.ok("key", "the private key belongs to the certificate");
        }
        Some(_) => report.wrong(
            "key",
            "the private key does not belong to the certificate",
            "the server would look for the certificate of another key",
            "give the key and the certificate that were made together",
        ),
        None => {}
    }
}

fn examine_validity(certificate: &Certificate, now: Timestamp, report: &mut Report) {
    let from = Timestamp::from_seconds(certificate.not_before());
    let until = Timestamp::from_seconds(certificate.not_after());
    let replace =
        "make a new key pair, upload its certificate, change over, then delete the old one";
    if until < now {
        let why = "the server accepts no assertion by an expired certificate";
        report.wrong(
            "certificate",
            format!("expired on {}", until.date()),
            why,
            replace,
        );
    } else if from > now {
        let what = format!("not valid before {}", from.date());
        let why = "its dates lie in the future, or the clock of this machine is behind";
        report.wrong("certificate", what, why, "check the clock, or wait");
    } else if until < now.plus(SOON) {
        let days = until.since(now).as_secs() / 86_400;
        let what = format!("expires on {}, in {days} days", until.date());
        let why = "after that the server accepts no assertion signed with its key";
        report.warning("certificate", what, why, replace);
    } else {
        report.ok("certificate", format!("valid until {}", until.date()));
    }
}

/// When the original begins to send expiry mails (`spec/ims-protocol.md` 3.4).
const SOON: Duration = Duration::from_hours(30 * 24);
