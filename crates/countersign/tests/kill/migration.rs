//! A node is killed at every step of a migration, beside another one: the credential is then where
//! it was or where it should be, with its word in the activity log and its certificate there or
//! not, and whoever repeats the command ends where it should.

use std::process::Stdio;
use std::time::{Duration, Instant};

use countersign_authority::Clock;
use countersign_jose::{Algorithm, Header, SigningKey};
use countersign_testkit::app::YEAR;
use countersign_testkit::{TestDatabase, keys};
use countersign_wire::claims::AssertionClaims;
use countersign_wire::{Metascope, OrgId};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::chance::Chance;
use crate::say_that_postgres_is_missing;
use crate::support::installation::{ISSUER, Installation};
use crate::support::server::{Caller, Server};

/// Migrations whose every step is killed, on each engine.
const MIGRATIONS: usize = 6;
/// Quarantines that are over at the same time, while the node that ends them is killed.
const QUARANTINES: usize = 60;
/// How often the second half of that is begun.
const DEATHS: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_stands_somewhere_legal_on_sqlite() {
    kill_at_every_step(TestDatabase::empty_sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_stands_somewhere_legal_on_postgres() {
    if std::env::var_os("COUNTERSIGN_TEST_POSTGRES").is_none() {
        return say_that_postgres_is_missing();
    }
    kill_at_every_step(TestDatabase::postgres().await.unwrap()).await;
}

/// The steps in the order in which they are taken, with the state before and after each.
const STEPS: [(&str, &str, &str); 7] = [
    ("start", "not_started", "started"),
    ("cancel", "started", "cancelled"),
    ("start", "cancelled", "started"),
    ("disable", "started", "disabled"),
    ("restore", "disabled", "started"),
    ("disable", "started", "disabled"),
    ("finish", "disabled", "completed"),
];

async fn kill_at_every_step(database: TestDatabase) {
    let installation = Installation::new(database).await;
    let place = Place::new(&installation).await;
    let clients = place.clients(MIGRATIONS + QUARANTINES).await;
    let (stepped, waiting) = clients.split_at(MIGRATIONS);
    let mut chance = Chance::from_environment();
    println!(
        "{}={} repeats the moments of this run",
        crate::chance::VARIABLE,
        chance.seed()
    );
    let mut outcomes = [0; 2];
    for client in stepped {
        let mut took = Duration::from_millis(20);
        for (number, (step, before, after)) in STEPS.into_iter().enumerate() {
            let happened = place
                .kill_while(client, step, (before, after), &mut took, &mut chance)
                .await;
            outcomes[usize::from(happened)] += 1;
            let again = place.repeat(client, step, after).await;
            if !happened {
                took = again;
            }
            place.is_consistent(client, after, number + 1).await;
        }
    }
    println!(
        "of {} steps {} were lost with their node",
        outcomes[0] + outcomes[1],
        outcomes[0]
    );
    place.kill_while_quarantines_end(waiting).await;
    installation.database.remove().await;
}

/// A JWT credential, in a project of its own.
struct Client {
    id: String,
    client_id: countersign_wire::ClientId,
    org: OrgId,
    account: countersign_wire::TechnicalAccountId,
    secret: String,
    project: String,
}

/// An installation with a node that is not killed.
struct Place<'a> {
    installation: &'a Installation,
    token: String,
    survivor: Server,
}

impl<'a> Place<'a> {
    async fn new(installation: &'a Installation) -> Self {
        let args = ["access-tokens", "create", "--name", "test"];
        let made = admin(installation, &args).await;
        Self {
            installation,
            token: made["token"].as_str().unwrap().to_owned(),
            survivor: Server::start(installation.command()).await,
        }
    }

    /// Makes JWT credentials whose certificate is of one key.
    async fn clients(&self, number: usize) -> Vec<Client> {
        let now = Clock::system().now();
        let pem = keys::certificate(keys::first(), now, now.plus(YEAR));
        let pem = String::from_utf8(pem).unwrap();
        let mut all = Vec::new();
        for at in 0..number {
            all.push(self.client(&format!("migrates{at}"), &pem).await);
        }
        all
    }

    async fn client(&self, name: &str, pem: &str) -> Client {
        let org = self.installation.clients[0].credential.org_id.clone();
        let project = self.make(&org, "projects", &json!({"name": name})).await;
        let new = json!({
            "project_id": project["id"], "name": name, "owner_team": "Tests",
            "owner_contact": "tests@example.com", "type": "service", "certificate": pem,
            "services": [{"service": "CloudManagerSDK"}],
        });
        let made = self.make(&org, "credentials", &new).await;
        let text = |name: &str| made[name].as_str().unwrap();
        Client {
            id: text("id").to_owned(),
            client_id: text("client_id").parse().unwrap(),
            account: text("technical_account_id").parse().unwrap(),
            secret: text("client_secret").to_owned(),
            project: name.to_owned(),
            org,
        }
    }

    async fn make(&self, org: &OrgId, what: &str, body: &Value) -> Value {
        let caller = self.survivor.caller();
        let url = format!("{}/api/v1/organizations/{org}/{what}", caller.origin);
        let call = caller.http.post(url).bearer_auth(&self.token).json(body);
        let reply = call.send().await.unwrap();
        let status = reply.status().as_u16();
        let made = reply.json().await.unwrap();
        assert_eq!(status, 201, "{made}");
        made
    }

    /// Takes a step on a node that is killed meanwhile; whether the step was taken.
    async fn kill_while(
        &self,
        client: &Client,
        step: &str,
        (before, after): (&str, &str),
        took: &mut Duration,
        chance: &mut Chance,
    ) -> bool {
        let victim = Server::start(self.installation.command()).await;
        let caller = victim.caller();
        // A node that has done nothing yet opens its connections first.
        self.migration(&caller, client).await.unwrap();
        // Not the time of a warm node, and more than all of it.
        let longest = u64::try_from(3 * took.as_micros()).unwrap().max(1);
        let moment = Duration::from_micros(chance.below(longest));
        let is_answered = Notify::new();
        let began = Instant::now();
        let taken = async {
            let answer = self.step(&caller, client, step).await;
            is_answered.notify_one();
            (answer, began.elapsed())
        };
        let answers_first = chance.below(4) == 0;
        let kill = async {
            match answers_first {
                true => is_answered.notified().await,
                false => tokio::time::sleep(moment).await,
            }
            victim.kill().await;
        };
        let ((answer, elapsed), ()) = tokio::join!(taken, kill);
        assert!(
            answer.is_some() || !answers_first,
            "{step} was not answered"
        );
        if let Some((status, body)) = &answer {
            assert_eq!(*status, 200, "{step}: {body}");
            *took = elapsed;
        }
        let shown = self.migration(&self.survivor.caller(), client).await;
        let state = shown.unwrap()["state"].as_str().unwrap().to_owned();
        assert!(state == before || state == after, "{step}: {state}");
        assert!(
            answer.is_none() || state == after,
            "{step} was acknowledged, and is lost"
        );
        state == after
    }

    /// Takes a step on the other node, whether it was taken or not; how long that took.
    async fn repeat(&self, client: &Client, step: &str, after: &str) -> Duration {
        let (caller, began) = (self.survivor.caller(), Instant::now());
        let (status, body) = self.step(&caller, client, step).await.unwrap();
        assert_eq!(
            (status, body["state"].as_str()),
            (200, Some(after)),
            "{body}"
        );
        began.elapsed()
    }

    /// Each step has one event, each half works if it should, and the certificate is where it
    /// should be.
    async fn is_consistent(&self, client: &Client, state: &str, steps: usize) {
        let (database, id) = (&self.installation.database, &client.id);
        let sql = format!(
            "SELECT action FROM audit WHERE subject = '{id}' AND action LIKE 'migration.%'"
        );
        assert_eq!(database.query(&sql).await.len(), steps);
        let sql = format!("SELECT id FROM certificates WHERE credential_id = '{id}'");
        let certificates = usize::from(state != "completed");
        assert_eq!(database.query(&sql).await.len(), certificates);
        let expected = match state {
            "not_started" | "cancelled" => (200, 400),
            "started" => (200, 200),
            _ => (400, 200),
        };
        let began = Instant::now();
        loop {
            let grants = self.grants(client).await;
            if grants == expected {
                break;
            }
            assert!(
                began.elapsed() < Duration::from_secs(1),
                "{state}: {grants:?}"
            );
        }
    }

    /// Status of an exchange and of client credentials, on the node that is not killed.
    async fn grants(&self, client: &Client) -> (u16, u16) {
        let caller = self.survivor.caller();
        let form = [
            ("client_id", client.client_id.to_string()),
            ("client_secret", client.secret.clone()),
            ("jwt_token", assertion(client, keys::first())),
        ];
        let exchanged = caller.post("/ims/exchange/jwt", &form).await.unwrap().0;
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", client.client_id.to_string()),
            ("client_secret", client.secret.clone()),
            ("scope", "openid".to_owned()),
        ];
        let issued = caller.post("/ims/token/v3", &form).await.unwrap().0;
        (exchanged, issued)
    }

    /// The node that does the background work dies in the middle of it, and the other one goes on.
    async fn kill_while_quarantines_end(self, clients: &[Client]) {
        let caller = self.survivor.caller();
        for client in clients {
            self.step(&caller, client, "start").await.unwrap();
            self.repeat(client, "disable", "disabled").await;
        }
        let Self {
            installation,
            survivor,
            ..
        } = self;
        survivor.kill().await;
        let database = &installation.database;
        let sql =
            "UPDATE credentials SET quarantined_until = 1 WHERE quarantined_until IS NOT NULL";
        database.change(sql).await;
        for death in 1..=DEATHS {
            free_lease(installation).await;
            let leader = Server::start(installation.command()).await;
            let wanted = death * clients.len() / (2 * DEATHS);
            wait_until(async || completed(installation).await >= wanted).await;
            leader.kill().await;
            let ended = completed(installation).await;
            println!(
                "{ended} of {} quarantines ended when the node died",
                clients.len()
            );
        }
        free_lease(installation).await;
        let last = Server::start(installation.command()).await;
        wait_until(async || completed(installation).await == clients.len()).await;
        last.kill().await;
        for client in clients {
            let id = &client.id;
            let sql = format!(
                "SELECT actor FROM audit WHERE subject = '{id}' AND action = 'migration.completed'"
            );
            assert_eq!(database.query(&sql).await, ["schedule"]);
            let sql = format!("SELECT id FROM certificates WHERE credential_id = '{id}'");
            assert_eq!(database.query(&sql).await.len(), 0);
        }
    }

    async fn migration(&self, caller: &Caller, client: &Client) -> Option<Value> {
        let call = caller.http.get(self.url(caller, client));
        let reply = call.bearer_auth(&self.token).send().await.ok()?;
        reply.json().await.ok()
    }

    async fn step(&self, caller: &Caller, client: &Client, step: &str) -> Option<(u16, Value)> {
        let mut body = json!({"step": step});
        if step == "disable" || step == "finish" {
            body["force"] = json!({"project": client.project, "reason": "a test wants it"});
        }
        let call = caller.http.post(self.url(caller, client));
        let call = call.bearer_auth(&self.token).json(&body);
        let reply = call.send().await.ok()?;
        let status = reply.status().as_u16();
        Some((status, reply.json().await.ok()?))
    }

    fn url(&self, caller: &Caller, client: &Client) -> String {
        let Client { id, org, .. } = client;
        format!(
            "{}/api/v1/organizations/{org}/credentials/{id}/migration",
            caller.origin
        )
    }
}

/// As if its time had passed.
async fn free_lease(installation: &Installation) {
    let sql = "UPDATE leases SET until_at = 0 WHERE name = 'background'";
    installation.database.change(sql).await;
}

/// Of those whose quarantine was over.
async fn completed(installation: &Installation) -> usize {
    let sql =
        "SELECT subject FROM audit WHERE action = 'migration.completed' AND actor = 'schedule'";
    installation.database.query(sql).await.len()
}

async fn wait_until(is_so: impl AsyncFn() -> bool) {
    let asked = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asked)
        .await
        .expect("the work is done in time");
}

fn assertion(client: &Client, key: &SigningKey) -> String {
    let claims = AssertionClaims {
        exp: Clock::system().now().as_seconds() + 300,
        iss: client.org.clone(),
        sub: client.account.clone(),
        origin: ISSUER.to_owned(),
        client_id: client.client_id.clone(),
        metascopes: vec![Metascope::parse("ent_cloudmgr_sdk").unwrap()],
        jti: Some(uuid::Uuid::new_v4().to_string()),
    };
    let header = Header::jwt(Algorithm::Rs256).to_json();
    key.sign_compact(&header, &serde_json::to_vec(&claims).unwrap())
        .unwrap()
}

async fn admin(installation: &Installation, args: &[&str]) -> Value {
    let mut command = installation.command();
    command.args(["admin", "--json"]).args(args);
    let output = command.stdout(Stdio::piped()).output().await.unwrap();
    assert!(output.status.success(), "{args:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}
