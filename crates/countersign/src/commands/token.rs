//! `countersign token`

use std::path::PathBuf;

use countersign_client::clock::system_now;
use countersign_client::credentials::Draft;
use countersign_client::{AccessToken, Client, Error, Grant, TokenFile, TokenSource, jwt, oauth};

use super::credential::CredentialArgs;
use super::doctor::explain;
use super::wait_for;
use crate::outcome::{Exit, Failure};
use crate::output;

/// Arguments of `token`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    #[command(flatten)]
    credential: CredentialArgs,
    /// Keep the token in this file of mode 0600, and take it from there while it works
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "assertion", "curl"])]
    cache: Option<PathBuf>,
    /// Print the whole reply
    #[arg(long, conflicts_with_all = ["assertion", "curl"])]
    json: bool,
    /// Print a signed assertion instead of exchanging it
    #[arg(long, conflicts_with = "curl")]
    assertion: bool,
    /// Print the request as a curl command, with the secret taken from a variable
    #[arg(long)]
    curl: bool,
}

/// Gets a token and prints it, alone; everything else goes to stderr.
///
/// # Errors
/// Why there is none, and what to do next.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let draft = args.credential.draft()?;
    if args.assertion {
        assertion(&args.credential.client(&draft)?)?;
    } else if args.curl {
        output::line(&curl(&args.credential.client(&draft)?))?;
    } else {
        wait_for(print_token(args, &draft))??;
    }
    Ok(Exit::Done)
}

async fn print_token(args: &Args, draft: &Draft) -> Result<(), Failure> {
    let mut credential = draft.credential()?;
    args.credential.adjust(&mut credential.client.grant);
    let http = args.credential.http(credential.client.ims.clone())?;
    let source = TokenSource::new(credential, http);
    if let Some(file) = &args.cache {
        let source = source.with_file(TokenFile::new(file));
        let token = source
            .token()
            .await
            .map_err(|error| failure(error, draft))?;
        output::line(token.expose())?;
        tell(&token, None);
        return Ok(());
    }
    let issued = source.ask().await.map_err(|error| failure(error, draft))?;
    output::line(if args.json {
        issued.reply.expose().trim_end()
    } else {
        issued.token.expose()
    })?;
    tell(&issued.token, issued.debug_id.as_deref());
    Ok(())
}

fn tell(token: &AccessToken, debug_id: Option<&str>) {
    output::note(&format!("valid until {}", token.expires_at()));
    if let Some(id) = debug_id {
        output::note(&format!("debug id `{id}`"));
    }
}

fn failure(error: Error, draft: &Draft) -> Failure {
    let Error::Refused(refusal) = &error else {
        let hint = "`countersign doctor` with the same options says more";
        return Failure::from(error).hint(hint);
    };
    let next = explain::explain(refusal, draft).next;
    let debug_id = refusal.debug_id.clone();
    let failure = Failure::from(error).hint(next);
    match debug_id {
        Some(id) => failure.hint(format!(
            "whoever runs the IMS finds the cause under debug id `{id}`"
        )),
        None => failure,
    }
}

fn assertion(client: &Client) -> Result<(), Failure> {
    let Grant::Jwt(signer) = &client.grant else {
        return Err(
            Failure::broken("the client-credentials grant has no assertion")
                .hint("choose the exchange with `--grant jwt`"),
        );
    };
    let now = system_now();
    let signed = signer.sign(&client.client_id, now).map_err(Error::from)?;
    output::line(signed.expose())?;
    output::note(&format!("valid until {}", now.plus(signer.life)));
    Ok(())
}

/// The secret goes through a pipe, because arguments of curl are visible as well.
fn curl(client: &Client) -> String {
    let (path, form) = match &client.grant {
        Grant::ClientCredentials(request) => (oauth::PATH, request.public_form(&client.client_id)),
        Grant::Jwt(_) => (jwt::PATH, vec![("client_id", client.client_id.to_string())]),
    };
    let mut lines = vec![
        r#"printf %s "$COUNTERSIGN_CLIENT_SECRET" | curl --silent --show-error --fail-with-body"#
            .to_owned(),
    ];
    lines.extend(
        form.iter().map(|(name, value)| {
            format!("  --data-urlencode {}", quoted(&format!("{name}={value}")))
        }),
    );
    lines.push("  --data-urlencode client_secret@-".to_owned());
    if matches!(client.grant, Grant::Jwt(_)) {
        lines.push(r#"  --data-urlencode "jwt_token=$COUNTERSIGN_ASSERTION""#.to_owned());
    }
    lines.push(format!("  {}", quoted(&format!("{}{path}", client.ims))));
    lines.join(" \\\n")
}

/// For a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

const AFTER_HELP: &str = "\
The client secret comes from a file, from stdin or from `COUNTERSIGN_CLIENT_SECRET`, never from an \
argument. Everything else can be given as a flag, in the file, or in the environment: \
`COUNTERSIGN_IMS`, `_GRANT`, `_CLIENT_ID`, `_SCOPES`, `_METASCOPES`, `_ORG_ID`, \
`_TECHNICAL_ACCOUNT_ID`, `_PRIVATE_KEY`, `_PRIVATE_KEY_FILE`, `_CERTIFICATE_FILE`, \
`_AUDIENCE_ORIGIN`. Flags win over the file, the file over the environment.

Exit: 0 done, 1 refused, 2 broken (network, file, usage).

Examples:
  countersign token --file credential.json
  countersign token --file aem.json --json
  export COUNTERSIGN_ASSERTION=$(countersign token --file aem.json --assertion)
  countersign token --file aem.json --curl";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold() {
        assert_eq!(quoted("a'b$c"), r"'a'\''b$c'");
    }
}
