//! Instants and lifetimes, with their units in the type.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant of the wall clock: milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds since 1970; saturates at the ends of the range.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This instant and `span` more; saturates.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// This instant less `span`; saturates.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The date alone, `2026-03-01`, in UTC: for sentences that people read.
    #[must_use]
    pub fn date(self) -> String {
        self.to_string().chars().take(10).collect()
    }

    /// To the minute, `2026-03-01 12:30 UTC`: for sentences and tables that people read.
    #[must_use]
    pub fn minute(self) -> String {
        self.to_jiff().strftime("%Y-%m-%d %H:%M UTC").to_string()
    }

    /// As an HTTP date (RFC 9110 section 5.6.7): `Sun, 01 Mar 2026 00:00:00 GMT`.
    #[must_use]
    pub fn http_date(self) -> String {
        jiff::fmt::rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&self.to_jiff())
            .unwrap_or_else(|_| "Thu, 01 Jan 1970 00:00:00 GMT".to_owned())
    }

    /// As the secrets API writes it for people, in UTC: `Tue, Apr 25 2023 18:48:05.000 UTC`
    /// (`spec/ims-protocol.md` 6.8).
    #[must_use]
    pub fn console_text(self) -> String {
        let at = self.to_jiff();
        at.strftime("%a, %b %d %Y %H:%M:%S.%3f UTC").to_string()
    }

    fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }
}

/// RFC 3339 in UTC, with milliseconds only where there are any: `2026-03-01T00:00:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_jiff().fmt(f)
    }
}

/// Text that is neither an RFC 3339 instant nor a date.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a date: write 2026-03-01 (midnight UTC) or 2026-03-01T00:00:00Z")]
pub struct TimestampError;

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Reads an RFC 3339 instant, or a date, which means its first moment in UTC.
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let instant = text.parse::<jiff::Timestamp>().or_else(|_| {
            let date: jiff::civil::Date = text.parse().map_err(|_| TimestampError)?;
            let zoned = date.to_zoned(jiff::tz::TimeZone::UTC);
            Ok(zoned.map_err(|_| TimestampError)?.timestamp())
        })?;
        Ok(Self(instant.as_millisecond()))
    }
}

/// What is left of a token's life, in **seconds**: `expires_in` of the token endpoint
/// (`spec/ims-protocol.md` 1.5).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub u64);

/// What is left of a token's life, in **milliseconds**: `expires_in` of the JWT exchange
/// (`spec/ims-protocol.md` 1.3).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Milliseconds(pub u64);

impl From<Duration> for Seconds {
    /// Rounds down: a token is never said to live longer than it does.
    fn from(span: Duration) -> Self {
        Self(span.as_secs())
    }
}

impl From<Duration> for Milliseconds {
    fn from(span: Duration) -> Self {
        Self(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_date_means_its_first_moment_in_utc() {
        let date: Timestamp = "2026-03-01".parse().expect("a date");
        assert_eq!(date, "2026-03-01T00:00:00Z".parse().expect("an instant"));
        assert_eq!(date.to_string(), "2026-03-01T00:00:00Z");
        assert_eq!(date.date(), "2026-03-01");
        assert_eq!(date.http_date(), "Sun, 01 Mar 2026 00:00:00 GMT");
    }

    proptest! {
        #[test]
        fn arithmetic_never_panics(ms in any::<i64>(), span in any::<u64>()) {
            let at = Timestamp::from_millis(ms);
            let span = Duration::from_millis(span);
            prop_assert!(at.plus(span) >= at && at.minus(span) <= at);
            let _ = (at.to_string(), at.http_date(), at.as_seconds(), at.since(Timestamp::default()));
            let _ = Timestamp::from_seconds(ms);
        }

        #[test]
        fn print_and_parse_agree(ms in -62_000_000_000_000_i64..253_000_000_000_000) {
            let at = Timestamp::from_millis(ms);
            prop_assert_eq!(at.to_string().parse::<Timestamp>(), Ok(at));
        }
    }
}
