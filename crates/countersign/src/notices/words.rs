//! What a mail says.

use std::fmt::Write as _;

use countersign_authority::{Notice, Outgoing};
use countersign_model::notice::Ending;

use super::page;
use crate::output::harmless;

/// The subject: how much, of whom, and when the first of it ends.
pub(super) fn subject(outgoing: &Outgoing) -> String {
    let org = harmless(&outgoing.org_name);
    match (outgoing.notices.as_slice(), outgoing.total) {
        ([only], 1) => format!("[{org}] {}", sentence(only, outgoing)),
        ([first, ..], total) => {
            let date = first.ends_at.date();
            format!("[{org}] {total} things end, the first one on {date}")
        }
        ([], _) => format!("[{org}] nothing ends"),
    }
}

/// The text: one paragraph for each thing that ends.
pub(super) fn body(outgoing: &Outgoing, issuer: &str) -> String {
    let org = harmless(&outgoing.org_name);
    let mut text = format!("In the organization {org} ({}):\n", outgoing.org_id);
    for notice in &outgoing.notices {
        // Writing to a string does not fail.
        let _ = writeln!(text, "\n* {}", sentence(notice, outgoing));
        if let Some(about) = &notice.credential {
            let (name, client) = (harmless(&about.name), &about.client_id);
            let _ = writeln!(text, "  Credential {name}, client id {client}");
            let _ = writeln!(text, "  {}", page(issuer, outgoing, about));
        }
    }
    let shown = u64::try_from(outgoing.notices.len()).unwrap_or(u64::MAX);
    if let Some(more) = outgoing.total.checked_sub(shown).filter(|more| *more > 0) {
        let _ = writeln!(text, "\nand {more} more, which end later.");
    }
    text.push_str(WHY);
    let _ = writeln!(text, "{issuer}/console");
    text
}

fn sentence(notice: &Notice, outgoing: &Outgoing) -> String {
    let ending = Ending {
        kind: notice.kind,
        subject: notice.subject.clone(),
        name: harmless(&notice.name),
        at: notice.ends_at,
    };
    ending.words(outgoing.now)
}

const WHY: &str = "
--\x20
You are told because you are the contact of a credential, or a System Administrator of its
organization. The contact is changed on the credential's page.
";
