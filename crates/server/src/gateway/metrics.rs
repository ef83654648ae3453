//! Counters of published services. Labels come from closed sets: names of services, classes of
//! statuses, codes of our own (LOG-05).

use std::time::Duration;

use http::StatusCode;
use metrics::Counter;
use metrics::Gauge;
use metrics::Histogram;

use crate::metrics::GATEWAY_ANSWERS_CUT;
use crate::metrics::GATEWAY_FAILURES;
use crate::metrics::GATEWAY_IN_FLIGHT;
use crate::metrics::GATEWAY_REFUSALS;
use crate::metrics::GATEWAY_REQUESTS;
use crate::metrics::GATEWAY_SECONDS;
use crate::metrics::InFlight;

/// Handles of one service, looked up once.
pub(super) struct ServiceMetrics {
    service: String,
    answered: [Counter; 5],
    seconds: Histogram,
    in_flight: Gauge,
}

impl ServiceMetrics {
    pub(super) fn new(service: &str) -> Self {
        let of_class = |class: &'static str| metrics::counter!(GATEWAY_REQUESTS, "service" => service.to_owned(), "status" => class);
        Self {
            answered: ["1xx", "2xx", "3xx", "4xx", "5xx"].map(of_class),
            seconds: metrics::histogram!(GATEWAY_SECONDS, "service" => service.to_owned()),
            in_flight: metrics::gauge!(GATEWAY_IN_FLIGHT, "service" => service.to_owned()),
            service: service.to_owned(),
        }
    }

    /// One more in flight, until the returned value is dropped.
    pub(super) fn begin(&self) -> InFlight {
        InFlight::new(self.in_flight.clone())
    }

    pub(super) fn answered(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).wrapping_sub(1);
        if let Some(counter) = self.answered.get(class) {
            counter.increment(1);
        }
        self.seconds.record(took);
    }

    /// We answered ourselves.
    pub(super) fn refused(&self, code: &'static str) {
        let service = self.service.clone();
        metrics::counter!(GATEWAY_REFUSALS, "service" => service, "code" => code).increment(1);
    }

    /// An attempt at an upstream failed.
    pub(super) fn failed(&self, reason: &'static str) {
        let service = self.service.clone();
        metrics::counter!(GATEWAY_FAILURES, "service" => service, "reason" => reason).increment(1);
    }

    /// An answer ended before its end.
    pub(super) fn cut(&self) {
        metrics::counter!(GATEWAY_ANSWERS_CUT, "service" => self.service.clone()).increment(1);
    }
}
