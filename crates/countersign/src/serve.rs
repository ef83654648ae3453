//! `countersign serve`: from the configuration to the last answer.

use std::net::SocketAddr;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use countersign_authority::{Actor, Authority, Clock, Clocks, ProviderHttp, Refused, Step};
use countersign_server::app::App;
use countersign_server::health::{Condition, Readiness};
use countersign_server::kit::access_log::Explained;
use countersign_server::kit::log::{self, LogFormat};
use countersign_server::kit::stack::{Explain, Surroundings, surround};
use countersign_server::listen::{Bound, Drained};
use countersign_server::metrics::Metrics;
use countersign_store::{Page, Store, Trouble};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::commands::admin::invitation_link;
use crate::config::{Config, Database, Overrides, Place};
use crate::oidc::Asker;
use crate::outcome::{Exit, Failure};
use crate::output;
use sample::Sample;
use signals::{EndedBy, Signals};

mod gateway;
mod sample;
mod signals;
mod welcome;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Origin of this server as clients write it [default: `http://` and the address]
    #[arg(long, value_name = "ORIGIN")]
    issuer: Option<String>,
    /// Also starts a small Cloud Manager and User Management API, published at the gateway
    #[arg(long)]
    sample_api: bool,
    /// Checks the configuration, opens nothing, and ends
    #[arg(long)]
    check: bool,
}

/// Serves until a signal comes. The first one lets requests in flight finish and writes what was
/// collected; a second one ends at once, with a status of its own.
///
/// # Errors
/// What kept the server from starting, with the remedy.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    // Two providers are linked in; rustls wants to be told. The only failure is to be told twice.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let overrides = Overrides {
        listen: args.listen,
        issuer: args.issuer.clone(),
    };
    let config = Config::load(&args.place, &overrides)?;
    config.check_listeners()?;
    if args.check {
        output::note("the configuration is complete and can be used");
        return Ok(Exit::Done);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .event_interval(TASKS_PER_LOOK)
        .build();
    let runtime =
        runtime.map_err(|error| Failure::broken(format!("cannot start threads: {error}")))?;
    let log = log::init(config.log.format, &config.log.filter).map_err(broken)?;
    let ended = runtime.block_on(serve(config, args))?;
    drop(log);
    match ended {
        None => Ok(Exit::Done),
        // Returning would wait for threads; this person has waited long enough.
        Some(signal) => process::exit(signal.exit_status()),
    }
}

async fn serve(mut config: Config, args: &Args) -> Result<Option<EndedBy>, Failure> {
    let metrics = Metrics::install().map_err(broken)?;
    let signals = Signals::listen().map_err(broken)?;
    let sample = match args.sample_api {
        true => Some(Sample::open(&mut config).await?),
        false => None,
    };
    let node = Node::open(&config, sample).await?;
    let news = welcome::News {
        address: node.bound.address(),
        gateway: node.gateway.as_ref().map(Bound::address),
        sample: node.sample.as_ref(),
        issuer: node.issuer.clone(),
        is_empty: node.is_empty().await?,
        first_link: node.first_link(&config).await?,
    };
    welcome::say(&config, args, &news);
    Ok(node.serve(&config, metrics, signals).await)
}

fn broken(error: impl std::error::Error) -> Failure {
    Failure::broken(error.to_string())
}

/// One server process, its ports open, before it answers.
struct Node {
    authority: Arc<Authority>,
    bound: Bound,
    gateway: Option<Bound>,
    sample: Option<Sample>,
    store: Store,
    issuer: String,
}

impl Node {
    async fn open(config: &Config, sample: Option<Sample>) -> Result<Self, Failure> {
        let store = config.open_store().await?;
        let master_key = config.master_key(Database::of(&store).await?)?;
        // Opened before the authority: without a configured issuer, the port becomes part of it.
        let bound = config.server.clone().bind().await.map_err(broken)?;
        let ims = config.ims_at(bound.address())?;
        let issuer = ims.issuer.clone();
        let catalogue = config.catalogue.clone();
        let authority =
            Authority::open(store.clone(), master_key, ims, catalogue, Clock::system()).await?;
        let authority = match config.foreign_ims()? {
            Some((checks, ims)) => authority.with_foreign_ims(checks, Arc::new(ims)),
            None => authority,
        };
        let providers = config.providers()?.into_iter();
        let providers = providers.map(|(provider, http)| (provider, asked_by(http)));
        let authority = authority.with_providers(providers);
        let authority = match config.notices(&issuer)? {
            Some((channels, carrier)) => authority.with_notices(channels, carrier),
            None => authority,
        };
        if let Some(clash) = authority.published_clashes().await?.first() {
            return Err(Failure::broken(clash.to_string()).hint(
                "one may stand in the database: `countersign admin published-services list` shows all",
            ));
        }
        let gateway = gateway::open(&config.gateway, &authority).await?;
        Ok(Self {
            authority: Arc::new(authority),
            bound,
            gateway,
            sample,
            store,
            issuer,
        })
    }

    /// Whether nobody has made anything here yet.
    async fn is_empty(&self) -> Result<bool, Failure> {
        let first = Page {
            after: None,
            limit: 1,
        };
        Ok(self
            .authority
            .list_organizations(&first, &Actor::operator("serve"))
            .await?
            .is_empty())
    }

    /// The link of the first administrator, as long as there is nobody. Programs that read the log
    /// as JSON must not have it, and no event shall say that there is one.
    async fn first_link(&self, config: &Config) -> Result<Option<String>, Failure> {
        if config.log.format == LogFormat::Json {
            return Ok(None);
        }
        let by = Actor::operator("serve");
        let invited = self.authority.invite_first_administrator(&by).await?;
        Ok(invited.map(|invited| invitation_link(&self.issuer, &invited.code)))
    }

    async fn serve(self, config: &Config, metrics: Metrics, signals: Signals) -> Option<EndedBy> {
        let (drain, stop) = (CancellationToken::new(), CancellationToken::new());
        let tasks = TaskTracker::new();
        self.authority.run_in_background(&tasks, &stop);
        tasks.spawn(
            stop.clone()
                .run_until_cancelled_owned(metrics.clone().keep_up()),
        );
        if let Some(sample) = self.sample {
            sample.serve(Clock::system(), &tasks, &stop);
        }

        let router = router(config, &self.authority, metrics, drain.clone());
        let listeners = [Some(&self.bound), self.gateway.as_ref()];
        let certificates = listeners
            .into_iter()
            .flatten()
            .filter_map(Bound::certificates);
        let certificates: Vec<_> = certificates.collect();
        let serve_and_flush = async {
            let passed = gateway::serve(
                self.gateway,
                &config.gateway,
                &self.authority,
                drain.clone(),
            );
            let served = self.bound.serve(router, drain.clone());
            let (served, passed) = tokio::join!(served, passed);
            tell(served.and(passed));
            stop.cancel();
            tasks.close();
            tasks.wait().await;
            self.store.close().await;
        };
        tokio::select! {
            () = serve_and_flush => None,
            signal = signals.follow(&drain, &certificates) => {
                tracing::warn!("ended at once by a second signal: what was in flight is lost");
                Some(signal)
            }
        }
    }
}

fn asked_by(asker: Asker) -> Arc<dyn ProviderHttp> {
    Arc::new(asker)
}

fn tell(drained: Drained) {
    match drained {
        Drained::Clean => tracing::info!("everything in flight was answered"),
        Drained::Cut(open) => tracing::warn!(
            connections = open,
            "{open} connections were still open and were cut"
        ),
    }
}

/// Everything this process answers, with what surrounds it.
fn router(
    config: &Config,
    authority: &Arc<Authority>,
    metrics: Metrics,
    drain: CancellationToken,
) -> Router {
    let routes = countersign_server::routes(App::new(Arc::clone(authority), config.compatibility))
        .merge(countersign_console::router(Arc::clone(authority)))
        .merge(readiness(authority).routes(drain))
        .merge(metrics.routes());
    surround(
        routes,
        Surroundings {
            limits: config.server.requests.clone(),
            proxies: config.server.trusted_proxies.clone(),
            explain: Some(explain(authority)),
            pages: Some(countersign_console::pages(Arc::clone(authority))),
            ..Surroundings::default()
        },
    )
}

/// Keeps the causes of refusals, for whoever asks by the id of the request.
fn explain(authority: &Arc<Authority>) -> Explain {
    let rememberer = Arc::clone(authority);
    Box::new(move |explained| rememberer.note_refusal(refused(explained)))
}

fn refused(explained: &Explained<'_>) -> Refused {
    Refused {
        debug_id: explained.id.to_string(),
        endpoint: explained.path.clone(),
        status: explained.status.as_u16(),
        error: explained.cause.code,
        client_id: explained.cause.client.clone(),
        cause: explained.cause.detail.clone(),
        source: explained.source.0.to_string(),
    }
}

fn readiness(authority: &Arc<Authority>) -> Readiness {
    let [follower, storage, signer, rotator, clock, node] = [(); 6].map(|()| Arc::clone(authority));
    Readiness::default()
        .with("database", move || {
            database(follower.serves(), follower.age())
        })
        .with("storage", move || troubled(&storage.storage_troubles()))
        .with("clock", move || clock.clock_step().map_or(Condition::Fine, |step| stepped(&step)))
        .with("signing_key", move || {
            match signer.key_documents().certificates.is_empty() {
                true => Condition::Failed(
                    "no signing key is loaded: `countersign admin keys list` shows all".to_owned(),
                ),
                false => Condition::Fine,
            }
        })
        .with("key_rotation", move || match rotator.overdue_rotation() {
            Some(due) => Condition::Degraded(format!(
                "the rotation of signing keys is overdue since {}: `countersign admin keys list` shows it",
                due.at
            )),
            None => Condition::Fine,
        })
        .with("node_clocks", move || compared(node.clocks()))
}

fn compared(clocks: Clocks) -> Condition {
    match clocks {
        Clocks::Agree => Condition::Fine,
        Clocks::Differ(by) => Condition::Degraded(format!(
            "the clocks of the nodes differ by {} s: keep them in step, for example by NTP",
            by.as_secs()
        )),
        Clocks::FarOff(by) => Condition::Failed(format!(
            "the clock of this node is {} s away from those of most other nodes: set it",
            by.as_secs()
        )),
    }
}

fn database(serves: bool, age: Duration) -> Condition {
    let since = format!("the database was last read {} s ago", age.as_secs());
    match (serves, age > STALE) {
        (false, _) => Condition::Failed(format!("{since}: too long to go on without it")),
        (true, true) => {
            Condition::Degraded(format!("{since}: known clients are served from memory"))
        }
        (true, false) => Condition::Fine,
    }
}

/// Damaged, full, read-only: known clients are served, so others would do no better.
fn troubled(troubles: &[Trouble]) -> Condition {
    let sentence = |trouble: &Trouble| match trouble {
        Trouble::Failing(why) => {
            format!("{why}; known clients are served from memory, writes are refused")
        }
        Trouble::Damaged(what) => format!("{what}; what does not need the damaged part is served"),
    };
    match troubles {
        [] => Condition::Fine,
        _ => Condition::Degraded(troubles.iter().map(sentence).collect::<Vec<_>>().join(". ")),
    }
}

fn stepped(step: &Step) -> Condition {
    let direction = if step.milliseconds < 0 {
        "back"
    } else {
        "forward"
    };
    Condition::Degraded(format!(
        "the wall clock was set {direction} by {} s: look at the time synchronization of this machine; restart the server if the time is right now",
        step.milliseconds.unsigned_abs() / 1000
    ))
}

/// After so many tasks a busy thread looks who else is ready: requests that wait in the kernel, and
/// signatures that stood back for cheaper work. Some tasks sign for a third of a millisecond.
const TASKS_PER_LOOK: u32 = 16;

/// The change log is read at least twice a second; ten missed polls are no accident.
const STALE: Duration = Duration::from_secs(5);

const AFTER_HELP: &str = "\
Settings come from a file, from variables such as `COUNTERSIGN__SERVER__ADDRESS`, and from flags; \
a later one wins. `countersign admin config show` prints what is in force. The master key is made \
at first start; bring your own as `master_key_file` or `COUNTERSIGN_MASTER_KEY`.

SIGTERM and SIGINT let requests in flight finish; a second one ends at once, with status 128 and \
the signal's number. SIGHUP reads the TLS certificate again.

Exit: 0 ended in order, 2 broken (configuration, database, port).";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_database_degrades_and_then_fails() {
        assert_eq!(database(true, Duration::from_secs(5)), Condition::Fine);
        let degraded = database(true, Duration::from_secs(6));
        assert!(matches!(degraded, Condition::Degraded(why) if why.contains("6 s ago")));
        assert!(matches!(
            database(false, Duration::from_secs(3601)),
            Condition::Failed(_)
        ));
    }

    #[test]
    fn trouble_degrades_and_says_what_is_served() {
        assert_eq!(troubled(&[]), Condition::Fine);
        let both = [
            Trouble::Failing("the disk is full".to_owned()),
            Trouble::Damaged("a page is damaged".to_owned()),
        ];
        let Condition::Degraded(why) = troubled(&both) else {
            panic!("known clients are served");
        };
        for words in [
            "the disk is full; known clients",
            ". a page is damaged; what",
        ] {
            assert!(why.contains(words), "{why}");
        }
    }
}
