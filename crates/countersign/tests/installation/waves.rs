//! Waves of a migration from a shell: planned, started, interrupted, and gone on with.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Instant;

use countersign_testkit::{db, multitude};
use serde_json::{Value, json};

use crate::place::Place;
use crate::remote::{Remote, make_jwt};

/// Credentials of the migration that is interrupted: as many as a large organization has, where the
/// program is as fast as it is used.
const MANY: u32 = match cfg!(debug_assertions) {
    true => 2_000,
    false => 10_000,
};
/// Waves that they are split into.
const WAVES: u32 = 10;

#[test]
fn a_wave_is_planned_filled_started_and_taken_away() {
    let remote = Remote::at(Place::with_project());
    let ids = ["A", "B", "C"].map(|project| make_jwt(&remote, project));
    let migrate = |args: &[&str]| remote.json(&[&["migrate"], args].concat());

    let made = migrate(&[
        "plan",
        "--wave",
        "first",
        "--start",
        "2026-03-01",
        "--note",
        "easy",
    ]);
    assert_eq!(
        (&made["name"], &made["next_step"]),
        (&json!("first"), &json!("fill"))
    );
    let filled = migrate(&[
        "plan",
        "--wave",
        "first",
        &ids[0],
        "--disable",
        "2026-05-01",
    ]);
    assert_eq!(filled[0]["credentials"], 1);
    assert_eq!(filled[0]["start_on"], "2026-03-01T00:00:00Z");
    assert_eq!(filled[0]["disable_on"], "2026-05-01T00:00:00Z");
    let rest = remote.run(&["migrate", "plan", "--wave", "second", "--all", "--json"]);
    assert_eq!(rest.exit, 0, "{}", rest.stderr);
    assert!(
        rest.stderr.contains("1 are in another wave"),
        "{}",
        rest.stderr
    );
    let rest: Value = serde_json::from_str(&rest.stdout).unwrap();
    assert_eq!(
        (&rest[0]["changed"], &rest[0]["unchanged"]),
        (&json!(2), &json!(0))
    );
    let again = migrate(&["plan", "--wave", "second", "--all"]);
    assert_eq!(
        (&again[0]["changed"], &again[0]["unchanged"]),
        (&json!(0), &json!(2))
    );

    let started = migrate(&["start", "--wave", "second"]);
    let outcomes: Vec<_> = started
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["outcome"])
        .collect();
    assert_eq!(outcomes, ["done", "done"]);
    let brown = migrate(&[
        "brownout", "--wave", "second", "--for", "10m", "--name", "dim",
    ]);
    assert_eq!(brown["credentials"].as_array().unwrap().len(), 2);
    let none = ["migrate", "brownout", "--wave", "first", "--for", "10m"];
    remote.refused(&none, 1, "both halves");
    migrate(&["brownouts", "dim", "--undo"]);
    let filtered = migrate(&["status", "--migration", "started", "--duty", "must_migrate"]);
    assert_eq!(filtered.as_array().unwrap().len(), 2);
    assert!(filtered[0].get("deadline_at").is_some(), "{filtered}");
    assert_eq!(
        migrate(&["status", "--wave", "first"])[0]["state"],
        "not_started"
    );
    let reviews = migrate(&["review", "--wave", "first", "--wave", "second"]);
    assert_eq!(reviews.as_array().unwrap().len(), 3);
    // The review calls none of them safe.
    let refused = remote.run(&["migrate", "disable", "--wave", "second"]);
    assert_eq!(
        (refused.exit, refused.stdout.matches("\trefused\t").count()),
        (1, 2)
    );
    let waves = migrate(&["waves"]);
    assert_eq!(waves[1]["next_step"], "disable");

    let out = migrate(&["plan", "--wave", "second", "--take-out", &ids[1]]);
    assert_eq!(
        (&out["changed"], &out["credentials"]),
        (&json!(1), &json!(1))
    );
    migrate(&["plan", "--wave", "second", "--delete"]);
    assert_eq!(migrate(&["waves"]).as_array().unwrap().len(), 1);
    let cleared = migrate(&["plan", "--wave", "first", "--start", "never"]);
    assert_eq!(cleared["start_on"], Value::Null);

    remote.refused(
        &["migrate", "start", "--wave", "mistyped"],
        1,
        "no such wave",
    );
    remote.refused(&["migrate", "start", "--wave", "a b"], 2, "name of a wave");
    remote.refused(&["migrate", "start", "--duty", "maybe"], 2, "must_migrate");
    remote.refused(
        &["migrate", "start", "--wave", "first", &ids[0]],
        2,
        "cannot be used with",
    );
    remote.refused(
        &["migrate", "plan", "--wave", "w", "--size", "5"],
        2,
        "--all",
    );
    remote.refused(
        &["migrate", "plan", "--wave", "w", "7"],
        1,
        "cannot be planned",
    );
    remote.refused(
        &["migrate", "plan", "--wave", "first", "--disable", "soon"],
        1,
        "disable_on",
    );
}

#[test]
fn very_many_credentials_are_planned_and_started_although_somebody_interrupts() {
    let place = Place::with_project();
    let key = place.text("key.pem");
    let generated = ["--generate-key", "--private-key-out", &key];
    let made = place.create("service-account-jwt", &generated);
    assert_eq!(made.exit, 0, "{}", made.stderr);
    let url = format!("sqlite://{}", place.text("data/countersign.db"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(multitude::multiply(&url, MANY - 1));
    let remote = Remote::at(place);
    let ask = |text: &str| runtime.block_on(db::query(&url, text.to_owned()));

    let size = (MANY / WAVES).to_string();
    let plan = [
        "migrate", "plan", "--wave", "legacy", "--size", &size, "--all", "--json",
    ];
    let interrupted = Running::new(remote.command(&plan)).until("up to wave legacy-3", "-INT");
    assert_eq!(interrupted.exit, Some(2), "{}", interrupted.stderr);
    assert!(
        interrupted.stderr.contains("repeat the command"),
        "{}",
        interrupted.stderr
    );
    let began = Instant::now();
    let planned = remote.run(&plan);
    assert_eq!(planned.exit, 0, "{}", planned.stderr);
    println!("the rest was planned in {:?}", began.elapsed());
    let of_waves = "SELECT wave || ' ' || COUNT(*) FROM wave_credentials GROUP BY wave";
    let mut waves: Vec<_> = (1..=WAVES).map(|n| format!("legacy-{n} {size}")).collect();
    waves.sort_unstable();
    assert_eq!(ask(of_waves), waves);

    let names: Vec<_> = (1..=WAVES).map(|n| format!("legacy-{n}")).collect();
    let start = names.iter().flat_map(|name| ["--wave", name]);
    let start: Vec<_> = ["migrate", "start", "--json"]
        .into_iter()
        .chain(start)
        .collect();
    let began = Instant::now();
    let stopped = Running::new(remote.command(&start)).until(" done", "-INT");
    assert_eq!(stopped.exit, Some(2), "{}", stopped.stderr);
    assert!(
        stopped.stderr.contains("repeat the command to go on"),
        "{}",
        stopped.stderr
    );
    let some = stopped.outcomes();
    assert!(some.done > 0 && some.not_tried > 0, "{}", stopped.stderr);
    let killed = Running::new(remote.command(&start)).until(" done", "-KILL");
    assert_eq!(killed.exit, None);
    let last = remote.run(&start);
    assert_eq!(last.exit, 0, "{}", last.stderr);
    println!(
        "{MANY} were started in {:?}: {}",
        began.elapsed(),
        last.stderr
    );
    let last = outcomes(&last.stdout);
    assert_eq!(last.done + last.unchanged, MANY as usize);
    assert!(last.unchanged >= some.done, "what was done is found done");

    // Each has its second half, its one secret and one event, whoever was stopped in between.
    let paired = "SELECT CAST(COUNT(*) AS TEXT) FROM credentials WHERE grants = 'jwt_paired'";
    assert_eq!(ask(paired), [MANY.to_string()]);
    for (table, what) in [("secrets", "credential_id"), ("audit", "subject")] {
        let only = match table {
            "audit" => " WHERE action = 'migration.started'",
            _ => "",
        };
        let text =
            format!("SELECT COUNT(*) || ' of ' || COUNT(DISTINCT {what}) FROM {table}{only}");
        assert_eq!(ask(&text), [format!("{MANY} of {MANY}")], "{table}");
    }
}

/// How it went with how many credentials.
#[derive(Default)]
struct Outcomes {
    done: usize,
    unchanged: usize,
    not_tried: usize,
}

fn outcomes(stdout: &str) -> Outcomes {
    let lines: Value = serde_json::from_str(stdout).unwrap();
    let mut counts = Outcomes::default();
    for line in lines.as_array().unwrap() {
        match line["outcome"].as_str().unwrap() {
            "done" => counts.done += 1,
            "unchanged" => counts.unchanged += 1,
            "not_tried" => counts.not_tried += 1,
            other => panic!("{other}: {line}"),
        }
    }
    counts
}

/// A command at work.
struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

/// How a command ended that got a signal.
struct Stopped {
    exit: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Running {
    fn new(mut command: Command) -> Self {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        Self {
            stderr: BufReader::new(child.stderr.take().unwrap()),
            child,
        }
    }

    /// Sends a signal when a line of its talk has `text`, and waits for its end.
    fn until(mut self, text: &str, signal: &str) -> Stopped {
        let mut stdout = self.child.stdout.take().unwrap();
        let answer = std::thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).unwrap();
            text
        });
        let mut stderr = String::new();
        while !stderr.lines().any(|line| line.contains(text)) {
            let read = self.stderr.read_line(&mut stderr).unwrap();
            assert!(read > 0, "ended without `{text}`: {stderr}");
        }
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
        self.stderr.read_to_string(&mut stderr).unwrap();
        Stopped {
            exit: self.child.wait().unwrap().code(),
            stdout: answer.join().unwrap(),
            stderr,
        }
    }
}

impl Stopped {
    fn outcomes(&self) -> Outcomes {
        outcomes(&self.stdout)
    }
}
