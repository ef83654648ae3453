//! Charts of days, drawn on the server: numbers only, so nothing in them needs to be escaped, and
//! the table beside them says the same.

use countersign_authority::{Day, DayKind, Grant};
use countersign_wire::Timestamp;

/// Width of a day and height of the chart, in units of the drawing.
const DAY_WIDTH: u64 = 10;
const HEIGHT: u64 = 140;
const DAY: i64 = 86_400;

/// Tokens or calls per day.
pub(super) struct Chart {
    pub(super) title: &'static str,
    /// Names the chart on its page.
    pub(super) id: &'static str,
    pub(super) width: u64,
    pub(super) bars: Vec<Bar>,
    pub(super) rows: Vec<Row>,
    pub(super) total: u64,
    pub(super) highest: u64,
    pub(super) from: String,
    pub(super) until: String,
}

/// A part of a day's bar.
pub(super) struct Bar {
    pub(super) class: &'static str,
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) height: u64,
}

/// A day that had any, for those who read.
pub(super) struct Row {
    pub(super) day: String,
    pub(super) oauth: u64,
    pub(super) jwt: u64,
}

/// The chart of the `days` days up to `now`.
pub(super) fn chart(kind: DayKind, all: &[Day], days: u32, now: Timestamp) -> Chart {
    let last = now.as_seconds().div_euclid(DAY);
    let first = last - i64::from(days) + 1;
    let rows: Vec<_> = (first..=last).map(|day| row(kind, all, day)).collect();
    let highest = rows.iter().map(Row::sum).max().unwrap_or_default();
    let bars = (0..)
        .zip(&rows)
        .flat_map(|(at, row)| bars(at, row, highest));
    let (title, id) = match kind {
        DayKind::Token => ("Access tokens per day", "tokens"),
        DayKind::Call => ("Calls through the gateway per day", "calls"),
    };
    Chart {
        title,
        id,
        width: u64::from(days) * DAY_WIDTH,
        bars: bars.collect(),
        total: rows.iter().map(Row::sum).sum(),
        highest,
        from: date(first),
        until: date(last),
        rows: rows.into_iter().rev().filter(|row| row.sum() > 0).collect(),
    }
}

impl Row {
    fn sum(&self) -> u64 {
        self.oauth.saturating_add(self.jwt)
    }
}

fn row(kind: DayKind, all: &[Day], day: i64) -> Row {
    let of = |grant| {
        let found = all.iter().find(|one| {
            one.kind == kind && one.grant == grant && one.day_at.as_seconds() == day * DAY
        });
        found.map_or(0, |one| one.uses)
    };
    Row {
        day: date(day),
        oauth: of(Grant::ClientCredentials),
        jwt: of(Grant::JwtExchange),
    }
}

/// The parts of a day's bar, from the ground up. What there is at all is seen.
fn bars(at: u64, row: &Row, highest: u64) -> Vec<Bar> {
    let parts = [("bar", row.oauth), ("bar jwt", row.jwt)];
    let mut ground = HEIGHT;
    let mut bars = Vec::new();
    for (class, uses) in parts {
        if uses == 0 {
            continue;
        }
        let share = u128::from(uses) * u128::from(HEIGHT) / u128::from(highest.max(1));
        let height = u64::try_from(share)
            .unwrap_or(HEIGHT)
            .clamp(2, ground.max(2));
        ground = ground.saturating_sub(height);
        bars.push(Bar {
            class,
            x: at * DAY_WIDTH + 1,
            y: ground,
            height,
        });
    }
    bars
}

fn date(day: i64) -> String {
    Timestamp::from_seconds(day.saturating_mul(DAY)).date()
}

#[cfg(test)]
mod tests {
    use countersign_wire::CredentialId;

    use super::*;

    fn day(at: i64, grant: Grant, uses: u64) -> Day {
        Day {
            credential_id: CredentialId::from_number(1),
            day_at: Timestamp::from_seconds(at * DAY),
            kind: DayKind::Token,
            grant,
            uses,
        }
    }

    #[test]
    fn bars_stand_on_each_other_and_nothing_is_too_small_to_be_seen() {
        let all = [
            day(10, Grant::ClientCredentials, 30),
            day(10, Grant::JwtExchange, 10),
            day(9, Grant::JwtExchange, 1),
            day(1, Grant::ClientCredentials, 99),
        ];
        let now = Timestamp::from_seconds(10 * DAY + 5);

        let chart = chart(DayKind::Token, &all, 3, now);

        let shown: Vec<_> = chart.bars.iter().map(|b| (b.x, b.y, b.height)).collect();
        assert_eq!(shown, [(11, 137, 3), (21, 35, 105), (21, 0, 35)]);
        assert_eq!((chart.total, chart.highest, chart.width), (41, 40, 30));
        let days: Vec<_> = chart.rows.iter().map(|row| row.day.as_str()).collect();
        assert_eq!(days, ["1970-01-11", "1970-01-10"]);
    }

    #[test]
    fn counts_of_any_size_fit() {
        let all = [
            day(10, Grant::ClientCredentials, u64::MAX),
            day(10, Grant::JwtExchange, u64::MAX),
        ];
        let now = Timestamp::from_seconds(10 * DAY);
        let drawn = chart(DayKind::Token, &all, 1, now);
        assert!(
            drawn
                .bars
                .iter()
                .all(|bar| bar.y + bar.height <= HEIGHT + 2)
        );
        assert!(chart(DayKind::Call, &all, 1, now).rows.is_empty());
    }
}
