//! Counters of the server, in the text format of Prometheus.
//!
//! Labels come from closed sets only: the pattern of a route, never a path; no client id (LOG-05).

use std::collections::HashMap;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::routing::get;
use http::Method;
use http::StatusCode;
use http::header;
use metrics::Counter;
use metrics::Gauge;
use metrics::Histogram;
use metrics_exporter_prometheus::BuildError;
use metrics_exporter_prometheus::Matcher;
use metrics_exporter_prometheus::PrometheusBuilder;
use metrics_exporter_prometheus::PrometheusHandle;

/// Renders what has been counted.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Makes the process count, once and before anything is built that counts.
    ///
    /// # Errors
    /// Another recorder is installed.
    pub fn install() -> Result<Self, BuildError> {
        let durations = Matcher::Suffix("_seconds".to_owned());
        let builder =
            PrometheusBuilder::new().set_buckets_for_metric(durations, SECONDS_BUCKETS)?;
        let handle = builder.install_recorder()?;
        describe();
        Ok(Self(handle))
    }

    /// Everything, as text.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds histogram samples together now and then, for ever. Without it they would pile up
    /// in memory for as long as nobody reads `/metrics`.
    pub async fn keep_up(self) {
        let mut tick = tokio::time::interval(UPKEEP);
        loop {
            tick.tick().await;
            self.0.run_upkeep();
        }
    }

    /// `GET /metrics`. Operators see it, the public should not: serve it on a listener of its own
    /// or keep the path from the outside.
    pub fn routes(self) -> Router {
        let text = move || std::future::ready(([(header::CONTENT_TYPE, TEXT)], self.render()));
        Router::new().route("/metrics", get(text))
    }
}

fn describe() {
    metrics::describe_counter!(HTTP_REQUESTS, "Requests answered");
    metrics::describe_histogram!(HTTP_SECONDS, "Time from head of request to head of answer");
    metrics::describe_gauge!(HTTP_IN_FLIGHT, "Requests being worked on");
    metrics::describe_gauge!(CONNECTIONS, "Open connections");
    metrics::describe_counter!(CONNECTIONS_ENDED, "Connections that we ended, by reason");
    metrics::describe_counter!(GATEWAY_REQUESTS, "Calls of published services answered");
    metrics::describe_histogram!(GATEWAY_SECONDS, "Time to the head of their answers");
    metrics::describe_gauge!(GATEWAY_IN_FLIGHT, "Calls whose answer has not begun");
    metrics::describe_counter!(
        GATEWAY_REFUSALS,
        "Calls that we answered ourselves, by code"
    );
    metrics::describe_counter!(GATEWAY_FAILURES, "Failed attempts at upstreams, by reason");
    metrics::describe_counter!(GATEWAY_ANSWERS_CUT, "Answers that ended before their end");
    metrics::describe_counter!(LOG_LINES_LOST, "Log lines that found the queue full");
}

/// What [`crate::kit::stack`] counts.
pub(crate) struct HttpMetrics {
    in_flight: Gauge,
    /// By route. Asking the recorder for a series takes longer than counting does.
    answered: ArcSwap<HashMap<String, Vec<Answered>>>,
}

/// The series of one method and status of a route.
#[derive(Clone)]
struct Answered {
    method: &'static str,
    status: StatusCode,
    requests: Counter,
    seconds: Histogram,
}

impl Answered {
    fn new(method: &'static str, route: &str, status: StatusCode) -> Self {
        let labels = [
            ("route", route.to_owned()),
            ("method", method.to_owned()),
            ("status", status.as_str().to_owned()),
        ];
        Self {
            method,
            status,
            requests: metrics::counter!(HTTP_REQUESTS, &labels),
            seconds: metrics::histogram!(HTTP_SECONDS, &labels),
        }
    }

    fn count(&self, seconds: f64) {
        self.requests.increment(1);
        self.seconds.record(seconds);
    }
}

impl HttpMetrics {
    pub(crate) fn new() -> Self {
        Self {
            in_flight: metrics::gauge!(HTTP_IN_FLIGHT),
            answered: ArcSwap::default(),
        }
    }

    /// One more in flight, until the returned value is dropped.
    pub(crate) fn begin(&self) -> InFlight {
        InFlight::new(self.in_flight.clone())
    }

    pub(crate) fn count(
        &self,
        method: &Method,
        route: Option<&str>,
        status: StatusCode,
        seconds: f64,
    ) {
        let (method, route) = (known(method), route.unwrap_or("none"));
        let answered = self.answered.load();
        let mut of_route = answered.get(route).into_iter().flatten();
        match of_route.find(|known| known.method == method && known.status == status) {
            Some(known) => known.count(seconds),
            None => {
                let new = Answered::new(method, route, status);
                new.count(seconds);
                self.keep(route, &new);
            }
        }
    }

    /// Two requests may keep the same one: that is looked at twice and counts right.
    fn keep(&self, route: &str, new: &Answered) {
        self.answered.rcu(|answered| {
            let mut answered = HashMap::clone(answered);
            let of_route = answered.entry(route.to_owned()).or_default();
            of_route.push(new.clone());
            answered
        });
    }
}

/// A gauge that is one higher while this lives.
pub(crate) struct InFlight(Gauge);

impl InFlight {
    pub(crate) fn new(gauge: Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// Methods are free text on the wire; only those that a route may have get a label of their own.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::DELETE => "DELETE",
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        Method::POST => "POST",
        Method::PUT => "PUT",
        _ => "other",
    }
}

pub(crate) const GATEWAY_REQUESTS: &str = "gateway_requests_total";
pub(crate) const GATEWAY_SECONDS: &str = "gateway_request_duration_seconds";
pub(crate) const GATEWAY_IN_FLIGHT: &str = "gateway_requests_in_flight";
pub(crate) const GATEWAY_REFUSALS: &str = "gateway_refusals_total";
pub(crate) const GATEWAY_FAILURES: &str = "gateway_upstream_failures_total";
pub(crate) const GATEWAY_ANSWERS_CUT: &str = "gateway_answers_cut_total";
pub(crate) const CONNECTIONS: &str = "connections";
pub(crate) const CONNECTIONS_ENDED: &str = "connections_ended_total";
pub(crate) const LOG_LINES_LOST: &str = "log_lines_lost_total";
const HTTP_REQUESTS: &str = "http_requests_total";
const HTTP_SECONDS: &str = "http_request_duration_seconds";
const HTTP_IN_FLIGHT: &str = "http_requests_in_flight";
const TEXT: &str = "text/plain; version=0.0.4";
const UPKEEP: Duration = Duration::from_secs(5);
const SECONDS_BUCKETS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];
