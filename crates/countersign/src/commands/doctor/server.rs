//! The server: reach, clock, and what it calls itself.

use countersign_client::clock::system_now;
use countersign_client::credentials::Draft;
use countersign_client::http::Answer;
use countersign_client::{Error, Http, Origin, Unreachable};
use countersign_wire::Timestamp;
use countersign_wire::credential_file::GrantName;
use serde::Deserialize;

use super::report::Report;

/// Where an IMS describes itself; the first one that answers counts.
const DISCOVERY: [&str; 2] = [
    "/ims/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
];

#[derive(Deserialize)]
struct Document {
    issuer: String,
}

/// Whether the server answers at all.
pub async fn examine(http: &Http, draft: &Draft, report: &mut Report) -> bool {
    let mut document = None;
    for (first, path) in [true, false].into_iter().zip(DISCOVERY) {
        let before = system_now();
        let answer = match http.get(path).await {
            Ok(answer) => answer,
            Err(error) => {
                unreachable(&error, report);
                return false;
            }
        };
        if first {
            report.ok("host", format!("`{}` answers", http.origin()));
            examine_clock(before, &answer, report);
        }
        document = serde_json::from_str::<Document>(answer.body.expose()).ok();
        if answer.status == 200 && document.is_some() {
            break;
        }
    }
    examine_issuer(document, draft, report);
    true
}

fn unreachable(error: &Error, report: &mut Report) {
    let Error::Unreachable { why, .. } = error else {
        let next = "compare `--ims` with the address of the IMS";
        return report.wrong(
            "host",
            error.to_string(),
            "this is no IMS, or something sits in front",
            next,
        );
    };
    let (reason, next) = advice(*why);
    report.wrong("host", error.to_string(), reason, next);
}

fn advice(why: Unreachable) -> (&'static str, &'static str) {
    match why {
        Unreachable::Name => (
            "the name is misspelt, or this network's DNS does not know it",
            "check the host name; an HTTPS_PROXY may be needed",
        ),
        Unreachable::Connection => (
            "the server is not running, listens elsewhere, or a firewall refuses",
            "check host and port, and that the server runs",
        ),
        Unreachable::ConnectTimeout => (
            "the server is down, or a firewall drops packets",
            "check host and port, and whether an HTTPS_PROXY is needed",
        ),
        Unreachable::NotTls => (
            "the port serves plain http, or something else",
            "use the TLS port, or `http://` if the server is on this machine",
        ),
        Unreachable::Untrusted => (
            "the certificate is self-signed, of a private authority, or a proxy opens TLS",
            "name the authority's certificate with `--ca-file FILE`",
        ),
        Unreachable::WrongName => (
            "the server is known by another name, or this is another server",
            "call it by the name in its certificate; `--audience-origin` keeps the one in assertions",
        ),
        Unreachable::Validity => (
            "the certificate is outside of its dates, or the clock of this machine is wrong",
            "check the clock; if it is right, the server needs a new certificate",
        ),
        Unreachable::Tls => (
            "the port serves something else, or the two sides agree on no protocol",
            "check the port; the server must speak TLS 1.2 or 1.3",
        ),
        _ => (
            "the server is overloaded, or the network breaks connections",
            "try again; look at the server's health endpoint",
        ),
    }
}

fn examine_clock(before: Timestamp, answer: &Answer, report: &mut Report) {
    let Some(theirs) = answer.date else {
        return;
    };
    let ours = Timestamp::from_millis(i64::midpoint(before.as_millis(), system_now().as_millis()));
    // The header has whole seconds, rounded down.
    let theirs = Timestamp::from_millis(theirs.as_millis() + 500);
    let (off, word) = if ours > theirs {
        (ours.since(theirs), "ahead of")
    } else {
        (theirs.since(ours), "behind")
    };
    let seconds = off.as_secs();
    let what = format!("the clock of this machine is {seconds} s {word} the server's");
    let next = "set the clock; keep it right with NTP on both machines";
    match seconds {
        0..=5 => report.ok("clock", "agrees with the server's"),
        6..=SKEW => report.warning("clock", what, "the server tolerates 30 s", next),
        _ => {
            let why = "assertions seem expired or too far ahead, and tokens end at the wrong time";
            report.wrong("clock", what, why, next);
        }
    }
}

fn examine_issuer(document: Option<Document>, draft: &Draft, report: &mut Report) {
    let Some(Document { issuer }) = document else {
        return report.warning(
            "issuer",
            "the server does not describe itself",
            "there is no discovery document; this may be no IMS",
            "compare `--ims` with the address of the IMS",
        );
    };
    let named = draft
        .audience_origin
        .clone()
        .unwrap_or_else(|| draft.origin());
    let same = Origin::danger_parse_plaintext(&issuer).is_ok_and(|issuer| issuer == named);
    if same || draft.grant_name() == GrantName::ClientCredentials {
        return report.ok("issuer", format!("the server calls itself `{issuer}`"));
    }
    report.warning(
        "issuer",
        format!("the server calls itself `{issuer}`, assertions name `{named}`"),
        "unless the server has this name as an alias, it refuses such assertions",
        format!("pass `--audience-origin {issuer}`"),
    );
}

/// What an IMS tolerates, in seconds (`spec/ims-protocol.md` 3.2).
const SKEW: u64 = 30;
