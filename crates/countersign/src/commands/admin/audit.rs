//! `admin audit`

use clap::Subcommand;
use countersign_authority::{ChainReport, Entry, Filter, Page};
use countersign_wire::OrgId;

use super::Answer;
use super::record::Record;
use super::session::Session;
use crate::outcome::Failure;
use crate::output;

/// What to do with the activity log.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List what happened in an organization, the newest first, at most 500 events
    List {
        /// The organization [default: the only one]
        #[arg(long)]
        org: Option<OrgId>,
        /// Only of this actor, such as `person:ada@example.com`
        #[arg(long, default_value = "")]
        actor: String,
        /// Only this action, such as `secret.added`
        #[arg(long, default_value = "")]
        action: String,
        /// Only of this subject, such as the id of a credential
        #[arg(long, default_value = "")]
        subject: String,
        /// Only in this project, by its id; also in one that was deleted
        #[arg(long, default_value = "")]
        project: String,
        /// Only about this credential, by its id; also about one that was deleted
        #[arg(long, default_value = "")]
        credential: String,
    },
    /// Check that nothing was deleted from the log or changed in it by hand
    Verify,
    /// Print the chain of an organization as lines of JSON, and last its signed head
    Export {
        /// The organization; without it, what concerns the installation
        #[arg(long)]
        org: Option<OrgId>,
    },
}

pub(super) async fn run(verb: &Verb, session: &Session) -> Result<Answer, Failure> {
    let (authority, by) = (&session.authority, &session.actor);
    match verb {
        Verb::List {
            org,
            actor,
            action,
            subject,
            project,
            credential,
        } => {
            let org = session.organization(org.as_ref()).await?;
            let filter = Filter {
                actor: actor.clone(),
                action: action.clone(),
                subject: subject.clone(),
                project: project.clone(),
                credential: credential.clone(),
            };
            let found = authority
                .list_activity(&org, &filter, &Page::first(), by)
                .await?;
            let rows = found.iter().map(shown).collect();
            Ok(Answer::List(&["at", "actor", "action", "subject"], rows))
        }
        Verb::Verify => {
            let report = authority.verify_log(by).await?;
            let broken = report.chains.iter().find_map(|chain| {
                let problem = chain.problem.as_ref()?;
                Some(format!("chain `{}`: {problem}", chain.chain))
            });
            if let Some(problem) = broken {
                return Err(
                    Failure::refused(format!("the activity log does not hold: {problem}"))
                        .hint("keep the database as it is, and compare it with your backups"),
                );
            }
            if report.unsealed > 0 {
                output::note(&format!(
                    "{} events of the last seconds are in no chain yet: a running server puts them there",
                    report.unsealed
                ));
            }
            let rows = report.chains.iter().map(holds).collect();
            Ok(Answer::List(&["chain", "links", "holds"], rows))
        }
        Verb::Export { org } => {
            let export = authority.export_log(org.as_ref(), by).await?;
            let mut text = export.lines.join("\n");
            if !text.is_empty() {
                text.push('\n');
            }
            text += &format!("{{\"proof\":\"{}\"}}\n", export.proof);
            Ok(Answer::Text(text))
        }
    }
}

fn holds(chain: &ChainReport) -> Record {
    Record::new()
        .text("chain", &chain.chain)
        .number("links", chain.links)
        .flag("holds", chain.problem.is_none())
}

fn shown(entry: &Entry) -> Record {
    let event = &entry.event;
    Record::new()
        .text("id", &entry.id)
        .text("at", event.at)
        .text("actor", &event.actor)
        .maybe("source", event.source.as_ref())
        .text("action", &event.action)
        .text("subject", &event.subject)
        .text("detail", &event.detail)
}
