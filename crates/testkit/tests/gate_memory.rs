//! A flood of tokens that do not hold takes no memory and pushes nobody out. Alone in its process,
//! whose memory is measured. Source: security.md GWY-12.

#![expect(clippy::unwrap_used, reason = "tests")]
#![cfg(target_os = "linux")]

#[path = "gate/support.rs"]
#[expect(dead_code, reason = "shared with the other tests of the gate")]
mod support;

use countersign_testkit::{TestApp, TestDatabase, keys, redact};

use support::{Attempt, SCOPES, client};

/// Bytes of this process that are in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_bad_tokens_leave_memory_flat_and_push_nobody_out() {
    let app = TestApp::on(TestDatabase::sqlite().await, support::setup()).await;
    let client = client(&app, &app.organization().await).await;
    let token = app.anonymous().token(&client, SCOPES).await.token();
    let good = Attempt::of(&client, &token);
    assert_eq!(good.code(&app).await, None);
    let (header, payload) = (redact::header_text(&token), redact::payload_text(&token));
    let mut bad = good.clone();
    let before = resident();

    for n in 0..1_000_000_u32 {
        bad.bearer = Some(match n % 1000 {
            // Whole tokens, signed by somebody else.
            0 => {
                let payload = payload.replace("access_token", &format!("access_token{n}"));
                let foreign = keys::foreign();
                foreign
                    .sign_compact(header.as_bytes(), payload.as_bytes())
                    .unwrap()
            }
            // Copies whose signature cannot even be read.
            _ => format!("{token}{n}"),
        });
        assert_eq!(bad.code(&app).await, Some("401013"), "{n}");
    }

    let grown = resident().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more");
    let remembered = app.authority.verified_tokens();
    assert!(remembered <= 1, "{remembered}: none but the good one");
    assert_eq!(good.code(&app).await, None);
}
