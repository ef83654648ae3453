//! What was to be reached, held against what was measured in the same run.

use std::process::ExitCode;

#[derive(Default)]
pub struct Goals(Vec<Goal>);

struct Goal {
    what: String,
    limit: String,
    measured: String,
    reached: bool,
}

impl Goals {
    pub fn at_least(&mut self, what: &str, limit: f64, measured: f64, unit: &str) {
        self.add(
            what,
            &format!("≥ {limit}{unit}"),
            measured,
            unit,
            measured >= limit,
        );
    }

    pub fn at_most(&mut self, what: &str, limit: f64, measured: f64, unit: &str) {
        self.add(
            what,
            &format!("≤ {limit}{unit}"),
            measured,
            unit,
            measured <= limit,
        );
    }

    fn add(&mut self, what: &str, limit: &str, measured: f64, unit: &str, reached: bool) {
        self.0.push(Goal {
            what: what.to_owned(),
            limit: limit.to_owned(),
            measured: format!("{measured:.1}{unit}"),
            reached,
        });
    }

    /// Prints them; a missed one fails the run if it is `checked`.
    pub fn tell(&self, checked: bool) -> ExitCode {
        println!("\n### Goals\n\n| goal | limit | measured | |\n|---|---|---|---|");
        for goal in &self.0 {
            let Goal {
                what,
                limit,
                measured,
                reached,
            } = goal;
            let word = if *reached { "reached" } else { "**missed**" };
            println!("| {what} | {limit} | {measured} | {word} |");
        }
        match checked && self.0.iter().any(|goal| !goal.reached) {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        }
    }
}
