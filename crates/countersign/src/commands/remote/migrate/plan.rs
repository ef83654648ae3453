//! Waves: which credentials are migrated together, and when.

use std::collections::BTreeMap;

use countersign_client::Error;
use countersign_client::management::{Call, Verb as Http};
use countersign_wire::WaveName;
use serde_json::{Map, Value, json};

use super::filters::Filters;
use crate::commands::remote::shown::Shown;
use crate::commands::remote::{Session, credentials, failure, projects, text};
use crate::outcome::Failure;
use crate::output;

/// Credentials of one call, at most.
const PER_CALL: usize = 500;

/// A wave, its dates, and what comes into it.
#[derive(Debug, clap::Args)]
pub struct Plan {
    /// Name of the wave; it is made if there is none
    #[arg(long, value_name = "NAME")]
    wave: WaveName,
    /// When it is to be started: `2026-03-01`, an instant, or `never`. Nothing happens by itself
    #[arg(long, value_name = "DATE")]
    start: Option<String>,
    /// When its JWT halves are to be disabled
    #[arg(long, value_name = "DATE")]
    disable: Option<String>,
    /// For whoever reads the plan
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Split what is found into waves NAME-1, NAME-2 and so on, with at most so many credentials
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    size: Option<u32>,
    /// Take credentials out of the wave
    #[arg(long, conflicts_with_all = ["size", "start", "disable", "note", "delete"])]
    take_out: bool,
    /// Delete the wave; its credentials stay as they are
    #[arg(long, conflicts_with_all = ["size", "start", "disable", "note", "CREDENTIAL", "project", "all", "Filters"])]
    delete: bool,
    /// Ids or client ids; they come out of whatever wave they are in
    #[arg(id = "CREDENTIAL", value_name = "CREDENTIAL", conflicts_with_all = ["project", "all", "Filters"])]
    credentials: Vec<String>,
    /// All of a project, by its id or name, that are in no other wave
    #[arg(long, conflicts_with = "all")]
    project: Option<String>,
    /// All of the organization that are in no other wave, and that somebody has to do anything for
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filters: Filters,
}

/// A credential to be planned, and the wave it is in.
struct Candidate {
    id: String,
    wave: Option<String>,
}

/// What becomes of a wave.
#[derive(Default)]
struct Filling {
    ids: Vec<String>,
    changed: u64,
    unchanged: u64,
}

impl Plan {
    pub(super) async fn run(&self, session: &Session) -> Result<Shown, Failure> {
        let org = session.organization().await?;
        let plan = Planner {
            plan: self,
            org,
            session,
        };
        tokio::select! {
            done = plan.run() => done,
            _ = tokio::signal::ctrl_c() => Err(Failure::broken("interrupted: what was planned stays planned")
                .hint("repeat the command to go on")),
        }
    }

    fn names_any(&self) -> bool {
        let is_place = self.project.is_some() || self.all || self.filters.is_given();
        is_place || !self.credentials.is_empty()
    }

    /// Note and dates, of those that were given.
    fn terms(&self) -> Map<String, Value> {
        let date = |text: &String| match text.as_str() {
            "never" => Value::Null,
            date => json!(date),
        };
        let terms = [
            ("note", self.note.as_ref().map(|note| json!(note))),
            ("start_on", self.start.as_ref().map(date)),
            ("disable_on", self.disable.as_ref().map(date)),
        ];
        let given = terms
            .into_iter()
            .filter_map(|(name, term)| Some((name.to_owned(), term?)));
        given.collect()
    }
}

/// A plan being carried out.
struct Planner<'p> {
    plan: &'p Plan,
    org: String,
    session: &'p Session,
}

impl Planner<'_> {
    async fn run(&self) -> Result<Shown, Failure> {
        let name = self.plan.wave.as_str();
        if self.plan.delete {
            self.session.delete(&["migration", "waves", name]).await?;
            return Ok(Shown::Item(&[], json!({"deleted": name})));
        }
        if self.plan.take_out {
            return self.take_out(name).await;
        }
        if !self.plan.names_any() {
            return match self.plan.size {
                None => Ok(Shown::Item(FIRST, self.settle(name).await?)),
                Some(_) => Err(Failure::broken("`--size` splits what is found")
                    .hint("add `--all`, `--project` or filters such as `--duty must_migrate`")),
            };
        }
        let found = self.candidates().await?;
        let fillings = self.assign(found).await?;
        self.fill(fillings).await
    }

    async fn take_out(&self, name: &str) -> Result<Shown, Failure> {
        let ids = match self.plan.credentials.is_empty() {
            true => {
                let lines = self.lines(Some(name)).await?;
                lines.iter().map(|line| text(line, "id")).collect()
            }
            false => self.named().await?,
        };
        let filling = Filling {
            ids,
            ..Filling::default()
        };
        let filling = self.send(name, "remove", filling, &mut 0).await?;
        let wave = self.call(Http::Get, name, &[]);
        let wave = self.session.send(wave).await?.body;
        Ok(Shown::Item(FIRST, filling.shown(wave)))
    }

    async fn named(&self) -> Result<Vec<String>, Failure> {
        let mut ids = Vec::new();
        for credential in &self.plan.credentials {
            ids.push(credentials::find(self.session, credential).await?);
        }
        Ok(ids)
    }

    /// Lines of the board, of one wave if it is named.
    async fn lines(&self, wave: Option<&str>) -> Result<Vec<Value>, Failure> {
        let (plan, org) = (self.plan, &self.org);
        let mut lines = plan.filters.lines(org, wave, self.session).await?;
        if let Some(project) = &plan.project {
            let project = projects::find(self.session, project).await?;
            lines.retain(|line| text(line, "project_id") == project);
        }
        Ok(lines)
    }

    /// What is to be planned: what was named, or what was found and is nobody else's.
    async fn candidates(&self) -> Result<Vec<Candidate>, Failure> {
        if !self.plan.credentials.is_empty() {
            let ids = self.named().await?;
            let named = ids.into_iter().map(|id| Candidate { id, wave: None });
            return Ok(named.collect());
        }
        let (mut found, mut elsewhere, mut idle) = (Vec::new(), 0, 0);
        for line in self.lines(None).await? {
            let wave = line["wave"].as_str().map(ToOwned::to_owned);
            if wave.as_deref().is_some_and(|wave| !self.is_ours(wave)) {
                elsewhere += 1;
            } else if ["nothing", "wait_for_platform"].contains(&text(&line, "next_step").as_str())
            {
                idle += 1;
            } else {
                let id = text(&line, "id");
                found.push(Candidate { id, wave });
            }
        }
        if elsewhere > 0 {
            output::note(&format!(
                "plan: {elsewhere} are in another wave and stay there; name them to move them"
            ));
        }
        if idle > 0 {
            output::note(&format!(
                "plan: {idle} are left out: nobody has to do anything for them"
            ));
        }
        Ok(found)
    }

    /// Whether a wave is one of those that this command fills.
    fn is_ours(&self, wave: &str) -> bool {
        match self.plan.size {
            None => wave == self.plan.wave.as_str(),
            Some(_) => number(wave, self.plan.wave.as_str()).is_some(),
        }
    }

    /// Which credential comes into which wave. Those that are in one of these waves stay there, so
    /// that a command which is repeated goes on where it stopped.
    async fn assign(&self, found: Vec<Candidate>) -> Result<Vec<(String, Filling)>, Failure> {
        let name = self.plan.wave.as_str();
        let Some(size) = self.plan.size else {
            let ids = found.into_iter().map(|one| one.id).collect();
            let filling = Filling {
                ids,
                ..Filling::default()
            };
            return Ok(vec![(name.to_owned(), filling)]);
        };
        let call = Call::new(
            Http::Get,
            &["organizations", &self.org, "migration", "waves"],
        );
        let known = self.session.list(call).await?;
        let known = known.iter().filter_map(|wave| {
            let number = number(wave["name"].as_str()?, name)?;
            Some((number, wave["credentials"].as_u64()?))
        });
        let waves = split(found, known.collect(), size.into(), name);
        let named = |(number, ids): (u32, Vec<String>)| {
            let filling = Filling {
                ids,
                ..Filling::default()
            };
            (format!("{name}-{number}"), filling)
        };
        Ok(waves.into_iter().map(named).collect())
    }

    async fn fill(&self, fillings: Vec<(String, Filling)>) -> Result<Shown, Failure> {
        let all: usize = fillings.iter().map(|(_, one)| one.ids.len()).sum();
        let (waves, mut planned) = (fillings.len(), 0);
        output::note(&format!("plan: {all} credentials into {waves} waves"));
        let mut shown = Vec::new();
        for (name, filling) in fillings {
            self.settle(&name).await?;
            let filling = self.send(&name, "add", filling, &mut planned).await?;
            let call = self.call(Http::Get, &name, &[]);
            shown.push(filling.shown(self.session.send(call).await?.body));
            output::note(&format!(
                "plan: {planned} of {all} credentials, up to wave {name}"
            ));
        }
        Ok(Shown::List(FILLED, shown))
    }

    /// Makes the wave, or changes of it what was given; gives it as it is then.
    async fn settle(&self, name: &str) -> Result<Value, Failure> {
        let terms = self.plan.terms();
        match self
            .session
            .management
            .send(&self.call(Http::Get, name, &[]))
            .await
        {
            Ok(found) if terms.is_empty() => return Ok(found.body),
            Ok(found) => {
                let call = self.call(Http::Patch, name, &[]).body(Value::Object(terms));
                let changed = self.session.send(call.made_from(found.revision)).await?;
                return Ok(changed.body);
            }
            Err(Error::Refused(refusal)) if refusal.status == 404 => {}
            Err(error) => return Err(failure::of(error)),
        }
        let mut wave = terms;
        wave.insert("name".to_owned(), json!(name));
        wave.retain(|_, term| !term.is_null());
        let at = ["organizations", &self.org, "migration", "waves"];
        let call = Call::new(Http::Post, &at).body(Value::Object(wave));
        Ok(self.session.send(call).await?.body)
    }

    /// Sends credentials into a wave, or out of it.
    async fn send(
        &self,
        name: &str,
        change: &str,
        mut filling: Filling,
        planned: &mut usize,
    ) -> Result<Filling, Failure> {
        for ids in filling.ids.chunks(PER_CALL) {
            let call = self.call(Http::Post, name, &["credentials"]);
            let call = call.body(json!({"change": change, "credentials": ids}));
            let answer = self.session.send(call).await?.body;
            filling.changed += answer["changed"].as_u64().unwrap_or_default();
            filling.unchanged += answer["unchanged"].as_u64().unwrap_or_default();
            *planned += ids.len();
            let unknown = answer["unknown"].as_array().into_iter().flatten();
            if let Some(id) = unknown.filter_map(Value::as_str).next() {
                return Err(Failure::refused(format!(
                    "credential `{id}` cannot be planned: it is not there any more, or it never had a JWT half"
                ))
                .hint("leave it out, and repeat the command: the others are planned"));
            }
        }
        Ok(filling)
    }

    fn call(&self, verb: Http, name: &str, below: &[&str]) -> Call {
        let at = ["organizations", &self.org, "migration", "waves", name];
        Call::new(verb, &[&at[..], below].concat())
    }
}

impl Filling {
    /// The wave, with what was done.
    fn shown(&self, mut wave: Value) -> Value {
        wave["changed"] = json!(self.changed);
        wave["unchanged"] = json!(self.unchanged);
        wave
    }
}

/// The waves of the organization.
pub(super) async fn waves(session: &Session) -> Result<Shown, Failure> {
    let call = session.within(Http::Get, &["migration", "waves"]).await?;
    Ok(Shown::List(WAVES, session.list(call).await?))
}

/// The number of a wave that belongs to `name`: 3 of `legacy-3` and `legacy`.
fn number(wave: &str, name: &str) -> Option<u32> {
    let digits = wave.strip_prefix(name)?.strip_prefix('-')?;
    let is_ours = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| is_ours)
}

/// Deals credentials out to numbered waves of at most `size`: what is in one stays there, the
/// others fill up what `known` waves have room for, then further ones.
fn split(
    found: Vec<Candidate>,
    known: BTreeMap<u32, u64>,
    size: u64,
    name: &str,
) -> BTreeMap<u32, Vec<String>> {
    let mut waves: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let mut counts = known;
    let (mut at, mut news) = (1, Vec::new());
    for one in found {
        match one.wave.as_deref().and_then(|wave| number(wave, name)) {
            Some(number) => waves.entry(number).or_default().push(one.id),
            None => news.push(one.id),
        }
    }
    for id in news {
        while counts.get(&at).is_some_and(|count| *count >= size) {
            at += 1;
        }
        *counts.entry(at).or_default() += 1;
        waves.entry(at).or_default().push(id);
    }
    waves
}

const FIRST: &[&str] = &["name", "start_on", "disable_on", "credentials", "next_step"];
const FILLED: &[&str] = &[
    "name",
    "start_on",
    "disable_on",
    "credentials",
    "changed",
    "unchanged",
];
const WAVES: &[&str] = &[
    "name",
    "start_on",
    "disable_on",
    "credentials",
    "stages",
    "next_step",
    "late",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(id: u32, wave: Option<&str>) -> Candidate {
        Candidate {
            id: id.to_string(),
            wave: wave.map(ToOwned::to_owned),
        }
    }

    #[test]
    fn only_numbers_that_were_given_out_belong_to_a_name() {
        assert_eq!(number("legacy-3", "legacy"), Some(3));
        assert_eq!(number("legacy-1-3", "legacy-1"), Some(3));
        for other in [
            "legacy",
            "legacy-",
            "legacy-03",
            "legacy-x",
            "old-3",
            "legacy-99999999999",
        ] {
            assert_eq!(number(other, "legacy"), None, "{other}");
        }
    }

    #[test]
    fn waves_are_filled_up_in_turn() {
        let found = (0..5).map(|id| candidate(id, None)).collect();
        let waves = split(found, BTreeMap::new(), 2, "w");
        let sizes: Vec<_> = waves.iter().map(|(at, ids)| (*at, ids.len())).collect();
        assert_eq!(sizes, [(1, 2), (2, 2), (3, 1)]);
    }

    /// Whoever was interrupted repeats the command: the end is the same.
    #[test]
    fn what_is_planned_stays_where_it_is() {
        let all = || (0..7).map(|id| candidate(id, None)).collect::<Vec<_>>();
        let whole = split(all(), BTreeMap::new(), 3, "w");
        for done in 0..7 {
            let mut found = all();
            let mut known = BTreeMap::new();
            let order = whole
                .iter()
                .flat_map(|(at, ids)| ids.iter().map(move |id| (at, id)));
            for (at, id) in order.take(done) {
                let one = found
                    .iter_mut()
                    .find(|one| one.id == *id)
                    .expect("it is there");
                one.wave = Some(format!("w-{at}"));
                *known.entry(*at).or_default() += 1;
            }
            assert_eq!(split(found, known, 3, "w"), whole, "{done} were done");
        }
        // Others that are in a wave already leave less room in it.
        let waves = split(all(), BTreeMap::from([(1, 3), (2, 2)]), 3, "w");
        let sizes: Vec<_> = waves.iter().map(|(at, ids)| (*at, ids.len())).collect();
        assert_eq!(sizes, [(2, 1), (3, 3), (4, 3)]);
    }
}
