//! Every client, by every grant and in every way it can send its secret.

use std::sync::Arc;

use countersign_testkit::real_clients::{Client, Grant, Outcome, installed};
use tokio::task::JoinSet;

use crate::product::{Product, Scheme};

#[tokio::test(flavor = "multi_thread")]
async fn get_tokens_that_hold_by_every_grant_in_every_way_to_send_a_secret() {
    let clients = installed();
    if clients.is_empty() {
        return;
    }
    let product = Arc::new(Product::start().await);
    let mut runs = JoinSet::new();
    for client in clients {
        for &grant in &client.grants {
            for send in client.send.clone() {
                let (product, client) = (Arc::clone(&product), client.clone());
                runs.spawn(async move { get(&product, &client, grant, &send).await });
            }
        }
    }

    let failures: Vec<String> = runs.join_all().await.into_iter().flatten().collect();

    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What is wrong with the token that a client gets.
async fn get(product: &Product, client: &Client, grant: Grant, send: &str) -> Option<String> {
    let mut job = product.job(client, grant, Scheme::Https);
    job["send"] = send.into();
    let outcome = product.run(&client.name, &job).await;

    let wrong = check(product, grant, &outcome).await.err();
    wrong.map(|wrong| {
        format!(
            "{} {} {send}: {wrong}: {outcome:?}",
            client.name,
            grant.as_str()
        )
    })
}

async fn check(product: &Product, grant: Grant, outcome: &Outcome) -> Result<(), String> {
    let held = product.held(outcome).await?;
    let credential = &product.credential(grant).credential;
    if held.claims.client_id != credential.client_id.as_str() {
        return Err(format!("the token is of {}", held.claims.client_id));
    }
    let a_day = match grant {
        Grant::Jwt => 86_340_000..=86_400_000,
        Grant::ClientCredentials => 86_340..=86_400,
    };
    if outcome
        .expires_in
        .is_some_and(|span| !a_day.contains(&span))
    {
        return Err(format!("`expires_in` is outside of {a_day:?}"));
    }
    // Some clients take 500 s off, to be early.
    let about_a_day = 85_800..=86_401;
    if outcome
        .lifetime_seconds
        .is_some_and(|span| !about_a_day.contains(&span))
    {
        return Err("the client believes in another lifetime".to_owned());
    }
    Ok(())
}
