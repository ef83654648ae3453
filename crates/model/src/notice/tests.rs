use proptest::prelude::*;

use super::*;

const END: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn before(days: u64) -> Timestamp {
    END.minus(Duration::from_secs(days * DAY))
}

fn days_at(now: Timestamp) -> Option<u32> {
    Window::at(END, now).map(Window::days_before)
}

fn ending() -> Ending {
    Ending {
        kind: Kind::SecretExpires,
        subject: "s".to_owned(),
        name: "\"blue\" (ends in a1b2)".to_owned(),
        at: END,
    }
}

fn name(text: &str) -> SignInName {
    SignInName::parse(text).expect("a name")
}

fn owner(contact: &str) -> Owner {
    Owner {
        team: "Data".to_owned(),
        contact: contact.to_owned(),
    }
}

#[test]
fn windows_open_weekly_and_then_daily() {
    let instant = Duration::from_millis(1);
    assert_eq!(days_at(before(30).minus(instant)), None);
    for days in DAYS {
        assert_eq!(days_at(before(u64::from(days))), Some(days));
    }
    assert_eq!(days_at(before(23).minus(instant)), Some(30));
    assert_eq!(days_at(before(4)), Some(9));
    assert_eq!(days_at(END.minus(instant)), Some(1));
    assert_eq!(days_at(END.plus(LATE).minus(instant)), Some(0));
    assert_eq!(days_at(END.plus(LATE)), None);
}

#[test]
fn a_day_by_day_look_tells_eight_times() {
    let days = (0..60).map(|day| before(45).plus(Duration::from_secs(day * DAY)));
    let mut told: Vec<_> = days.filter_map(days_at).collect();
    told.dedup();
    assert_eq!(told, DAYS);
}

#[test]
fn the_owner_is_told_first_and_administrators_when_it_is_near() {
    let administrators = [name("ada@example.com")];
    let nobody = BTreeSet::new();
    let told = |contact: &str, days| {
        let window = Window { days_before: days };
        let told = recipients(Some(&owner(contact)), &nobody, &administrators, window);
        told.into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(told("Data@example.com", 30), "data@example.com");
    assert_eq!(
        told("data@example.com", 3),
        "ada@example.com data@example.com"
    );
    assert_eq!(told("ada@example.com", 3), "ada@example.com");
    for contact in ["#integrations", "", "see wiki", "a@b@c"] {
        assert_eq!(told(contact, 30), "ada@example.com", "{contact}");
    }
    let window = Window { days_before: 30 };
    assert!(recipients(Some(&owner("#x")), &nobody, &[], window).is_empty());
    assert_eq!(recipients(None, &nobody, &administrators, window).len(), 1);
}

#[test]
fn the_others_of_a_project_are_told_from_the_beginning_beside_whoever_is() {
    let administrators = [name("ada@example.com")];
    let others = BTreeSet::from([name("eve@example.com")]);
    let told = |contact: &str, days| {
        let window = Window { days_before: days };
        let told = recipients(Some(&owner(contact)), &others, &administrators, window);
        told.into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        told("bob@example.com", 30),
        "bob@example.com eve@example.com"
    );
    assert_eq!(told("#channel", 30), "ada@example.com eve@example.com");
    assert_eq!(
        told("eve@example.com", 3),
        "ada@example.com eve@example.com"
    );
}

#[test]
fn words_are_of_the_readers_time() {
    let words = "client secret \"blue\" (ends in a1b2) expires on 2027-01-15";
    assert_eq!(ending().words(before(9)), words);
    let words = "client secret \"blue\" (ends in a1b2) expired on 2027-01-15";
    assert_eq!(ending().words(END), words);
}

#[test]
fn what_is_told_at_once_has_a_window_before_the_first_one() {
    let began = before(60);
    let at = |now: Timestamp| Window::since(began, END, now).map(Window::days_before);
    assert_eq!(at(began.minus(Duration::from_millis(1))), None);
    assert_eq!(at(began), Some(60));
    assert_eq!(at(before(30).minus(Duration::from_millis(1))), Some(60));
    for days in DAYS {
        assert_eq!(at(before(u64::from(days))), Some(days));
    }
    let short = Window::since(before(1), END, before(1)).map(Window::days_before);
    assert_eq!(short, Some(1));
}

#[test]
fn trouble_is_told_with_what_is_the_matter() {
    let told = |kind, name: &str, now| {
        let name = name.to_owned();
        Ending {
            kind,
            name,
            ..ending()
        }
        .words(now)
    };
    let name = "3 times, last on 2027-01-10 12:00 UTC by nightly at 203.0.113.0/24";
    assert_eq!(
        told(Kind::AttemptsRefused, name, before(3)),
        format!("the disabled JWT half is still tried ({name}), and deleted on 2027-01-15")
    );
    let name = "2 callers still use the JWT half, nightly at 203.0.113.0/24 among them";
    assert_eq!(
        told(Kind::MigrationBlocked, name, before(3)),
        format!("the migration is blocked ({name}), and the JWT half ends on 2027-01-15")
    );
}

#[test]
fn a_message_is_tried_eight_times() {
    let mut tries = 1;
    let mut waited = Duration::ZERO;
    while let Some(wait) = next_try(tries) {
        assert!(wait > Duration::ZERO);
        waited += wait;
        tries += 1;
    }
    assert_eq!(tries, 8);
    assert!((30..=40).contains(&(waited.as_secs() / 3600)), "{waited:?}");
    assert_eq!(next_try(0), None);
}

#[test]
fn words_of_kinds_are_read_back() {
    for kind in Kind::ALL {
        assert_eq!(Kind::parse(kind.as_str()), Some(kind));
    }
}

proptest! {
    /// Whenever servers look: no window twice, no window after a later one, and whoever looks
    /// before the end (or a week after it) tells of it.
    #[test]
    fn each_window_is_told_once_and_no_end_comes_in_silence(
        mut looks in prop::collection::vec(-50 * 86_400_000_i64..20 * 86_400_000, 0..80),
    ) {
        looks.sort_unstable();
        let org = OrgId::from_random([1; 12]);
        let mut keys = BTreeSet::new();
        let mut told = Vec::new();
        for look in &looks {
            let now = Timestamp::from_millis(END.as_millis() + look);
            let Some(window) = Window::at(END, now) else { continue };
            if keys.insert(key(&org, &ending(), window)) {
                told.push(window.days_before());
            }
        }
        let is_strictly_later = told.windows(2).all(|pair| pair[1] < pair[0]);
        prop_assert!(is_strictly_later, "{told:?}");
        let day = 86_400_000;
        let is_in_time = looks.iter().any(|look| (-30 * day..7 * day).contains(look));
        prop_assert_eq!(!told.is_empty(), is_in_time);
        for (at, days) in DAYS.iter().enumerate() {
            let opens = -i64::from(*days) * day;
            let closes = DAYS.get(at + 1).map_or(7 * day, |next| -i64::from(*next) * day);
            let is_seen = looks.iter().any(|look| (opens..closes).contains(look));
            prop_assert_eq!(told.contains(days), is_seen, "{}", days);
        }
    }

    /// What the store is asked for is exactly what has a window.
    #[test]
    fn the_ends_that_are_looked_for_are_those_with_a_window(off in -60 * 86_400_000_i64..60 * 86_400_000) {
        let now = Timestamp::from_millis(END.as_millis() + off);
        let (first, behind) = noticed_ends(now);
        let is_looked_for = first <= END && END < behind;
        prop_assert_eq!(is_looked_for, Window::at(END, now).is_some());
    }
}
