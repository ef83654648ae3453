//! What a starting server tells the person in front of it.

use std::io::{self, Write as _};
use std::net::SocketAddr;

use countersign_server::kit::log::LogFormat;

use super::Args;
use super::sample::Sample;
use crate::commands::admin::shell;
use crate::config::Config;

/// What there is to say.
pub(super) struct News<'a> {
    pub(super) address: SocketAddr,
    pub(super) gateway: Option<SocketAddr>,
    pub(super) sample: Option<&'a Sample>,
    pub(super) issuer: String,
    pub(super) is_empty: bool,
    pub(super) first_link: Option<String>,
}

/// Says where the server listens and as whom, and, when nothing is in it yet, what to do next.
pub(super) fn say(config: &Config, args: &Args, news: &News<'_>) {
    let (address, issuer) = (news.address, news.issuer.as_str());
    let listening = format!("{}://{address}", config.scheme());
    let gateway = news
        .gateway
        .map(|address| format!("{}://{address}", config.gateway.scheme()));
    if config.log.format == LogFormat::Json {
        // Whoever reads JSON lines must not meet anything else.
        tracing::info!(server.address = %address, server.issuer = issuer, "listening on {listening}");
        if let (Some(address), Some(gateway)) = (news.gateway, gateway) {
            tracing::info!(gateway.address = %address, "the gateway is listening on {gateway}");
        }
        return;
    }
    let (data, database) = (config.data.display(), config.store.shown_url());
    let mut text = format!(
        "listening on {listening}\nissuer       {issuer}\ndata         {data}, {database}\n"
    );
    if let Some(gateway) = &gateway {
        text += &format!("gateway      {gateway}\n");
    }
    if let Some(sample) = news.sample {
        text += &format!(
            "sample API   http://{}, behind the gateway\n",
            sample.address()
        );
    }
    if let Some(link) = &news.first_link {
        text += &format!(
            "\nnobody has an account yet; the first administrator opens this within 30 minutes, once:\n  {link}\n"
        );
    }
    if news.is_empty {
        text += "\nnext, in another terminal:\n";
        text += &next_steps(args, issuer, news.sample);
    }
    if let (Some(_), Some(gateway)) = (news.sample, gateway) {
        text += &sample_call(&gateway);
    }
    // A server that nobody watches starts as well.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn next_steps(args: &Args, issuer: &str, sample: Option<&Sample>) -> String {
    let word = |path: &std::path::PathBuf| shell::quote_if_needed(&path.to_string_lossy());
    let flags = [
        ("--config", &args.place.config),
        ("--data", &args.place.data),
    ];
    let flags =
        flags.map(|(flag, path)| path.as_ref().map(|path| format!(" {flag} {}", word(path))));
    let flags: String = flags.into_iter().flatten().collect();
    // What only flags say, the other process cannot know.
    let issuer = match args.listen.is_some() || args.issuer.is_some() {
        true => format!(" --issuer {}", shell::quote_if_needed(issuer)),
        false => String::new(),
    };
    let (profile, services) = match sample {
        Some(sample) => for_sample(sample, &flags),
        None => (String::new(), "--service DocCloudSDK --env".to_owned()),
    };
    format!(
        "  countersign admin{flags} organizations create --name Example\n  \
         countersign admin{flags} projects create --name Demo\n{profile}  \
         countersign admin{flags}{issuer} credentials create --type oauth-server-to-server \\\n      \
         --project Demo --name first --owner-team Example --owner-contact team@example.com \\\n      \
         {services}\n"
    )
}

/// The product profile without which Cloud Manager is not called, and what to subscribe to.
fn for_sample(sample: &Sample, flags: &str) -> (String, String) {
    let codes = sample.services.each_ref();
    let [cloud, users] = codes.map(|code| shell::quote_if_needed(code.as_str()));
    (
        format!("  countersign admin{flags} profiles create --service {cloud} --name Developer\n"),
        format!("--service {cloud}:Developer --service {users} --env > demo.env"),
    )
}

/// A call that passes, with what `--env` printed.
fn sample_call(gateway: &str) -> String {
    format!(
        "\nthe sample API, through the gateway:\n  \
         . ./demo.env\n  \
         export COUNTERSIGN_CLIENT_SECRET=\"$CLIENT_SECRET\"\n  \
         TOKEN=$(countersign token --ims \"$IMS\" --client-id \"$CLIENT_ID\" --scopes \"$SCOPES\")\n  \
         curl {gateway}/api/programs -H \"Authorization: Bearer $TOKEN\" \\\n      \
         -H \"x-api-key: $CLIENT_ID\" -H \"x-gw-ims-org-id: $ORG_ID\"\n"
    )
}
