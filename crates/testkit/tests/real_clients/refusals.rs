//! What the users of each client see when they are refused.

use std::sync::Arc;

use countersign_testkit::keys;
use countersign_testkit::real_clients::{Client, Grant, Outcome, Refusal, installed};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::product::{Product, Scheme, pem};

/// A mistake that users make, and what they must be told.
#[derive(Clone, Copy)]
struct Mistake {
    grants: &'static [Grant],
    make: fn(&Product, Grant, &mut Value),
    clock_offset_seconds: i64,
    code: &'static str,
    words: &'static str,
}

#[tokio::test(flavor = "multi_thread")]
async fn say_that_the_secret_is_wrong() {
    every_client_shows(Mistake {
        grants: &[Grant::Jwt, Grant::ClientCredentials],
        make: |product, grant, job| job["client_secret"] = anothers_secret(product, grant).into(),
        clock_offset_seconds: 0,
        code: "invalid_client",
        words: "invalid client_secret parameter",
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn say_that_the_assertion_has_expired() {
    every_client_shows(Mistake {
        grants: &[Grant::Jwt],
        make: |_, _, _| {},
        // More than any client lets its assertions live.
        clock_offset_seconds: -90_000,
        code: "invalid_token",
        words: "JWT token has expired. exp=",
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn say_that_the_key_is_unknown() {
    every_client_shows(Mistake {
        grants: &[Grant::Jwt],
        make: |_, _, job| job["private_key_pem"] = pem(keys::foreign()).into(),
        clock_offset_seconds: 0,
        code: "invalid_token",
        words: "Could not match JWT signature to any of the bindings",
    })
    .await;
}

/// A secret that is good, but of another credential.
fn anothers_secret(product: &Product, grant: Grant) -> &str {
    let other = match grant {
        Grant::Jwt => Grant::ClientCredentials,
        Grant::ClientCredentials => Grant::Jwt,
    };
    product.credential(other).secret.expose()
}

async fn every_client_shows(mistake: Mistake) {
    let clients = installed();
    if clients.is_empty() {
        return;
    }
    let product = Arc::new(Product::start().await);
    let mut runs = JoinSet::new();
    for client in clients {
        for &grant in client
            .grants
            .iter()
            .filter(|grant| mistake.grants.contains(grant))
        {
            let (product, client) = (Arc::clone(&product), client.clone());
            runs.spawn(async move { refused(&product, &client, grant, mistake).await });
        }
    }

    let failures: Vec<String> = runs.join_all().await.into_iter().flatten().collect();

    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What is wrong with what a client shows.
async fn refused(
    product: &Product,
    client: &Client,
    grant: Grant,
    mistake: Mistake,
) -> Option<String> {
    let mut job = product.job(client, grant, Scheme::Http);
    (mistake.make)(product, grant, &mut job);
    let outcome = product
        .run_at(&client.name, &job, mistake.clock_offset_seconds)
        .await;

    let right = !outcome.ok && outcome.access_token.is_none() && shows(client, mistake, &outcome);
    (!right).then(|| format!("{} {}: {outcome:?}", client.name, grant.as_str()))
}

fn shows(client: &Client, mistake: Mistake, outcome: &Outcome) -> bool {
    let text = outcome.error_text.as_deref().unwrap_or_default();
    match client.refusal {
        Refusal::Code => outcome.error_code.as_deref() == Some(mistake.code),
        Refusal::Words => text.contains(mistake.words),
        Refusal::Status => text.contains("400"),
        Refusal::Nothing => true,
    }
}
