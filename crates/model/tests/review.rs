//! Histories of a year, as programs make them: hourly to quarterly, with jitter, holidays and
//! outages. Whoever still calls must never be called gone, and whoever stopped must not be waited
//! for longer than the written bound.

use std::time::Duration;

use countersign_model::Certificate;
use countersign_model::blocker::{Beside, Blocker, Half};
use countersign_model::evidence::{Seen, Sketch};
use countersign_model::habit::{Habit, LONGEST, Pace};
use countersign_model::review::{Evidence, Standing, Verdict, review};
use countersign_wire::{Caller, CertificateId, Consumer, Timestamp};
use proptest::prelude::*;

const DAY: u64 = 86_400;
const HOUR: u64 = 3600;
const YEAR: u64 = 365 * DAY;

/// A program, and what its year is like.
#[derive(Clone, Debug)]
struct Program {
    pace: Pace,
    /// Seconds of the first call.
    begins: u64,
    /// Whether it rests at weekends and on holidays.
    keeps_office_hours: bool,
    /// First day and length in days.
    holidays: Vec<(u64, u64)>,
    /// First day and length in days: nothing runs.
    outages: Vec<(u64, u64)>,
    /// How late each call is, in hours, in turn.
    jitter: Vec<u64>,
    /// How many calls in a row.
    burst: u64,
}

impl Program {
    /// Seconds of its calls, in order.
    fn calls(&self) -> Vec<u64> {
        let mut jitter = self.jitter.iter().cycle();
        let mut due = self.begins;
        let mut calls = Vec::new();
        while due < self.begins + YEAR {
            let late = match self.pace {
                Pace::Hourly => 0,
                _ => jitter.next().copied().unwrap_or(0) * HOUR,
            };
            if let Some(at) = self.happens(due + late) {
                calls.extend((0..self.burst).map(|n| at + n));
            }
            due += self.period();
        }
        calls.sort_unstable();
        calls
    }

    fn period(&self) -> u64 {
        match self.pace {
            Pace::Hourly => HOUR,
            Pace::Daily => DAY,
            Pace::Weekly => 7 * DAY,
            Pace::Monthly => 2_629_800,
            Pace::Quarterly => 7_889_400,
            Pace::Irregular | Pace::Unknown => unreachable!("not generated"),
        }
    }

    /// Rare work is done as soon as it can be; frequent work is left out.
    fn happens(&self, at: u64) -> Option<u64> {
        let is_rare = matches!(self.pace, Pace::Monthly | Pace::Quarterly);
        let mut day = at / DAY;
        while self.rests_on(day) {
            if !is_rare {
                return None;
            }
            day += 1;
        }
        Some(day * DAY + at % DAY)
    }

    fn rests_on(&self, day: u64) -> bool {
        let within = |spans: &[(u64, u64)]| {
            let mut spans = spans.iter();
            spans.any(|(from, length)| (*from..from + length).contains(&day))
        };
        let is_weekend = self.pace != Pace::Weekly && day % 7 > 4;
        let is_free = is_weekend || within(&self.holidays);
        (self.keeps_office_hours && is_free) || within(&self.outages)
    }
}

fn program() -> impl Strategy<Value = Program> {
    let pace = prop_oneof![
        Just(Pace::Hourly),
        Just(Pace::Daily),
        Just(Pace::Weekly),
        Just(Pace::Monthly),
        Just(Pace::Quarterly),
    ];
    let holidays = prop::collection::vec((0_u64..365, 1_u64..=14), 0..3);
    let outages = prop::collection::vec((0_u64..365, 1_u64..=3), 0..4);
    let jitter = prop::collection::vec(0_u64..6, 1..10);
    let habits = (pace, 0..3 * YEAR, any::<bool>(), jitter, 1_u64..5);
    (habits, holidays, outages).prop_map(
        |((pace, begins, keeps_office_hours, jitter, burst), holidays, outages)| {
            let apart = |spans| apart(begins / DAY, spans);
            Program {
                pace,
                begins,
                keeps_office_hours,
                holidays: apart(holidays),
                outages: apart(outages),
                jitter,
                burst,
            }
        },
    )
}

/// Holidays do not follow on holidays, nor outages on outages.
fn apart(first_day: u64, mut spans: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    spans.sort_unstable();
    let mut kept: Vec<(u64, u64)> = Vec::new();
    for (from, length) in spans {
        let from = first_day + from;
        if kept
            .last()
            .is_none_or(|(last, length)| from > last + length + 40)
        {
            kept.push((from, length));
        }
    }
    kept
}

fn caller(name: &str) -> Caller {
    Caller {
        consumer: Consumer::of(name.as_bytes()),
        ..Caller::default()
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::default().plus(Duration::from_secs(seconds))
}

fn note(sketch: &mut Sketch, name: &str, seconds: u64) {
    sketch.note(&caller(name), None, "certificate:x", at(seconds));
}

fn seen(name: &str, calls: &[u64]) -> Vec<Seen> {
    let mut sketch = Sketch::default();
    for call in calls {
        note(&mut sketch, name, *call);
    }
    sketch.seen().to_vec()
}

fn verdict(old: &[Seen], new: &[Seen], now: u64) -> Verdict {
    let since = Timestamp::default();
    let half = Half::default();
    let evidence = Evidence {
        since,
        old,
        new,
        half,
    };
    review(&evidence, at(now)).verdict
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Just before each call of the year, nobody who looks is told that it is safe.
    #[test]
    fn whoever_still_calls_is_never_called_gone(program in program()) {
        let calls = program.calls();
        let mut sketch = Sketch::default();
        for pair in calls.windows(2) {
            note(&mut sketch, "job", pair[0]);
            if pair[1] - pair[0] > DAY {
                let said = verdict(sketch.seen(), &[], pair[1] - 1);
                prop_assert_ne!(said, Verdict::Safe, "after {} calls", sketch.seen()[0].uses);
            }
        }
    }

    /// Whoever stops at whatever time is waited for no longer than the bound, and the date that
    /// was told is kept.
    #[test]
    fn whoever_stopped_is_waited_for_no_longer_than_the_bound(
        program in program(),
        part in 1_usize..100,
    ) {
        let calls = program.calls();
        let calls = &calls[..(calls.len() * part / 100).max(1)];
        let last = calls[calls.len() - 1];
        let old = seen("job", calls);
        match verdict(&old, &[], last + 2 * DAY) {
            Verdict::Wait { until } => {
                prop_assert!(until <= at(last).plus(LONGEST));
                let until = until.as_seconds().unsigned_abs();
                prop_assert_eq!(verdict(&old, &[], until), Verdict::Safe);
                prop_assert_ne!(verdict(&old, &[], until - 1), Verdict::Safe);
            }
            Verdict::StillUsed { .. } => {
                let habit = Habit::of(&old[0]);
                prop_assert!(habit.longest_pause >= Duration::from_secs(2 * DAY));
            }
            Verdict::Safe => prop_assert!(false, "two days of silence are not enough"),
        }
        prop_assert_eq!(verdict(&old, &[], last + LONGEST.as_secs()), Verdict::Safe);
    }

    /// The longer the silence, the surer; and never quite sure.
    #[test]
    fn confidence_grows_with_silence(program in program(), days in 1_u64..200) {
        let habit = Habit::of(&seen("job", &program.calls())[0]);
        let sure = |days: u64| habit.confidence(Duration::from_secs(days * DAY));
        prop_assert!(sure(days) <= sure(days + 1));
        prop_assert!((0.0..1.0).contains(&sure(days)));
    }
}

const TODAY: u64 = 1000 * DAY;

/// `count` calls, so many days apart, the last one today.
fn every(days: u64, count: u64) -> Vec<u64> {
    let back = (0..count).rev();
    back.map(|n| TODAY - n * days * DAY).collect()
}

#[test]
fn habits_have_the_names_that_people_give_them() {
    let hourly: Vec<u64> = (0..2000).rev().map(|n| TODAY - n * HOUR).collect();
    let cases = [
        (hourly, Pace::Hourly, 10),
        (every(1, 60), Pace::Daily, 10),
        (every(7, 20), Pace::Weekly, 42),
        (every(30, 8), Pace::Monthly, 111),
        (every(91, 5), Pace::Quarterly, 120),
        (every(1, 5), Pace::Unknown, 120),
        (every(30, 2), Pace::Unknown, 120),
    ];
    for (calls, pace, patience) in cases {
        let habit = Habit::of(&seen("job", &calls)[0]);
        assert_eq!(habit.pace, pace, "{habit:?}");
        assert_eq!(habit.patience.as_secs() / DAY, patience, "{habit:?}");
    }
}

#[test]
fn a_monthly_job_is_not_gone_after_a_day_and_a_dead_one_is_gone_some_day() {
    let old = seen("billing", &every(30, 8));
    let still_used = Verdict::StillUsed { callers: 1 };
    assert_eq!(verdict(&old, &[], TODAY + 2 * DAY), still_used);
    let until = at(TODAY + 111 * DAY);
    assert_eq!(
        verdict(&old, &[], TODAY + 40 * DAY),
        Verdict::Wait { until }
    );
    assert_eq!(verdict(&old, &[], TODAY + 111 * DAY), Verdict::Safe);
}

#[test]
fn whoever_moved_is_waited_for_a_day_and_the_others_by_their_habit() {
    let mut old = seen("moved", &every(1, 60));
    let new = seen("moved", &[TODAY + HOUR]);
    let until = at(TODAY + DAY);
    assert_eq!(
        verdict(&old, &new, TODAY + 2 * HOUR),
        Verdict::Wait { until }
    );
    assert_eq!(verdict(&old, &new, TODAY + DAY), Verdict::Safe);

    old.extend(seen("stayed", &every(1, 60)));
    let still_used = Verdict::StillUsed { callers: 1 };
    assert_eq!(verdict(&old, &new, TODAY + DAY), still_used);
}

#[test]
fn whoever_moved_and_came_back_has_not_moved() {
    let new = seen("job", &[TODAY - HOUR]);
    let old = seen("job", &every(1, 60));
    let still_used = Verdict::StillUsed { callers: 1 };
    assert_eq!(verdict(&old, &new, TODAY + HOUR), still_used);
}

#[test]
fn without_any_call_it_is_waited_from_the_beginning_of_the_record() {
    let evidence = Evidence {
        since: at(TODAY),
        old: &[],
        new: &[],
        half: Half::default(),
    };
    let until = at(TODAY).plus(LONGEST);
    let now = review(&evidence, at(TODAY));
    assert_eq!(now.verdict, Verdict::Wait { until });
    let later = review(&evidence, until);
    assert_eq!(later.verdict, Verdict::Safe);
    assert!((later.confidence - 0.75).abs() < 1e-9);
}

#[test]
fn those_who_cannot_be_told_apart_never_count_as_moved() {
    let others = |seconds| Seen::of_others(at(seconds));
    let (old, new) = ([others(TODAY)], [others(TODAY + HOUR)]);
    let until = at(TODAY).plus(LONGEST);
    assert_eq!(
        verdict(&old, &new, TODAY + 2 * DAY),
        Verdict::Wait { until }
    );
}

#[test]
fn those_who_are_waited_for_longest_come_first() {
    let mut old = seen("gone", &[TODAY - 130 * DAY]);
    old.extend(seen("pausing", &[TODAY - 100 * DAY]));
    old.extend(seen("calling", &[TODAY]));
    let evidence = Evidence {
        since: Timestamp::default(),
        old: &old,
        new: &[],
        half: Half::default(),
    };
    let review = review(&evidence, at(TODAY + HOUR));
    let found = review.callers.iter();
    let names: Vec<_> = found.map(|one| one.caller.clone()).collect();
    assert_eq!(
        names,
        ["calling", "pausing", "gone"].map(|name| Some(caller(name)))
    );
    assert_eq!(review.callers[2].standing, Standing::Gone);
    assert!(review.confidence.abs() < 1e-9);
}

/// With both halves, and nothing else known of the JWT half.
const PAIRED: Half<'static> = Half {
    certificates: &[],
    tokens_live_until: None,
    final_on: None,
    beside: Beside::OAuth,
};

fn blockers(old: &[Seen], new: &[Seen], half: Half<'_>, now: u64) -> Vec<String> {
    let since = Timestamp::default();
    let evidence = Evidence {
        since,
        old,
        new,
        half,
    };
    let blockers = review(&evidence, at(now)).blockers;
    blockers.iter().map(Blocker::to_string).collect()
}

fn certificate(name: &str, day: u64) -> Certificate {
    Certificate {
        id: CertificateId::from_random([7; 16]),
        pem: String::new(),
        fingerprint: String::new(),
        key_digest: String::new(),
        subject: name.to_owned(),
        not_before: Timestamp::default(),
        not_after: at(day * DAY),
        created_at: Timestamp::default(),
    }
}

#[test]
fn whoever_may_call_again_and_was_never_seen_with_the_oauth_half_is_named() {
    let mut old = seen("gone", &[TODAY - 130 * DAY]);
    old.extend(seen("pausing", &[TODAY - 100 * DAY]));
    old.extend(seen("calling", &[TODAY]));
    old.extend(seen("uses-both", &[TODAY]));
    old.extend(seen("moved", &[TODAY - 2 * DAY]));
    old.push(Seen::of_others(at(TODAY)));
    let mut new = seen("uses-both", &[TODAY - HOUR]);
    new.extend(seen("moved", &[TODAY - DAY]));
    let said = blockers(&old, &new, PAIRED, TODAY + HOUR);
    let [others, calling, pausing] = [
        ("callers that cannot be told apart", "1972-09-27"),
        ("calling at 0.0.0.0/24", "1972-09-27"),
        ("pausing at 0.0.0.0/24", "1972-06-19"),
    ]
    .map(|(who, day)| {
        format!(
            "Not seen with the OAuth half yet: {who}, last with the JWT half on {day} 00:00 UTC"
        )
    });
    assert_eq!(said.len(), 3, "{said:#?}");
    for expected in [others, calling, pausing] {
        assert!(said.contains(&expected), "{expected}: {said:#?}");
    }
    let unpaired = blockers(&old, &new, Half::default(), TODAY + HOUR);
    assert!(unpaired.is_empty(), "{unpaired:?}");
    let nobody = blockers(&[], &new, PAIRED, TODAY + HOUR);
    assert!(nobody.is_empty(), "{nobody:?}");
}

#[test]
fn a_certificate_that_ends_sooner_than_people_count_on_is_told() {
    // A monthly job, last seen today: it can be called gone on day 1111.
    let old = seen("billing", &every(30, 8));
    let new = seen("billing", &[TODAY - HOUR]);
    let said = |ends: &[u64], half: Half<'_>, now: u64| {
        let names = ["first", "second"].iter().zip(ends);
        let certificates: Vec<_> = names.map(|(name, day)| certificate(name, *day)).collect();
        let half = Half {
            certificates: &certificates,
            ..half
        };
        blockers(&old, &new, half, now)
    };
    let now = TODAY + 40 * DAY;
    let last = "The last certificate, \"first\", expires on 1973-01-14: the JWT half stops by itself then, before the review can say safe, on 1973-01-16";
    assert_eq!(said(&[1109], PAIRED, now), [last]);
    assert!(said(&[1111], PAIRED, now).is_empty());
    let signers = "The certificate \"first\" expires on 1973-01-14: who signs with its key fails then, before the review can say safe, on 1973-01-16";
    assert_eq!(said(&[1109, 2000], PAIRED, now), [signers]);

    let dated = Half {
        final_on: Some(at(1200 * DAY)),
        ..PAIRED
    };
    assert!(
        said(&[1111], dated, now)[0].ends_with("before the last date of the policy, 1973-04-15")
    );
    assert!(said(&[1200], dated, now).is_empty());

    let beside = Beside::OAuthAlone {
        until: at(TODAY + 47 * DAY),
    };
    let alone = Half { beside, ..PAIRED };
    let restored = &said(&[1045], alone, now)[0];
    assert!(restored.contains("restoring the JWT half helps nobody from then on, before the quarantine ends on 1972-11-13"), "{restored}");

    let expired = &said(&[1030, 1020], PAIRED, now);
    assert_eq!(
        expired.len(),
        1,
        "of the others nobody has to know: {expired:?}"
    );
    assert!(
        expired[0].starts_with("The last certificate, \"first\", expired on 1972-10-27"),
        "{expired:?}"
    );
}

#[test]
fn living_tokens_are_told_while_they_live() {
    let until = at(TODAY + 90 * 60);
    let half = Half {
        tokens_live_until: Some(until),
        ..PAIRED
    };
    let said = blockers(&[], &[], half, TODAY);
    let expected =
        "Tokens of the JWT half live until 1972-09-27 01:30 UTC, unless they are ended with it";
    assert_eq!(said, [expected]);
    assert!(blockers(&[], &[], half, TODAY + 90 * 60).is_empty());
}

proptest! {
    /// Blockers inform: whatever there is to know of the half, the callers alone give the verdict.
    #[test]
    fn blockers_leave_the_verdict_as_it_is(
        program in program(),
        ends in prop::collection::vec(0_u64..2000, 0..4),
        (tokens, final_on, quarantine) in (0_u64..2000, 0_u64..2000, 0_u64..2000),
        days in 0_u64..200,
    ) {
        let calls = program.calls();
        let old = seen("job", &calls);
        let now = calls.last().copied().unwrap_or_default() + days * DAY;
        let certificates: Vec<_> = ends.iter().map(|day| certificate("c", *day)).collect();
        let half = Half {
            certificates: &certificates,
            tokens_live_until: Some(at(tokens * DAY)),
            final_on: Some(at(final_on * DAY)),
            beside: Beside::OAuthAlone { until: at(quarantine * DAY) },
        };
        let evidence = Evidence { since: Timestamp::default(), old: &old, new: &[], half };
        let informed = review(&evidence, at(now));
        prop_assert_eq!(&informed.verdict, &verdict(&old, &[], now));
        let is_named = informed.blockers.iter().any(|one| matches!(one, Blocker::NotSeenWithOAuth { .. }));
        prop_assert_eq!(is_named, informed.verdict != Verdict::Safe);
    }
}
