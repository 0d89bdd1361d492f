//! Many clients at once, most of them hostile: nobody else's business suffers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use api::{ApiKeys, Limits};
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet};

use crate::{
    client::{KEY, Running, head, sale},
    fake_terminal::approved,
};

/// More than there are places for connections.
const CLIENTS: usize = 200;

/// How long they go on.
const DURATION: Duration = Duration::from_secs(3);

const CROWD_KEY: &str = "sk_test_crowd";

/// What each client sends in turn, and the statuses that it may be answered with.
fn requests() -> Vec<(Vec<u8>, &'static [u16])> {
    let with_key = |method: &str, path: &str, body: &str| {
        let head = head(method, path, &[("X-Api-Key", CROWD_KEY)], body.len());
        format!("{head}{body}").into_bytes()
    };
    vec![
        (with_key("GET", "/v1/device/health", ""), &[200, 429]),
        (with_key("POST", "/v1/transaction/sale", "{"), &[400, 429]),
        (
            with_key("POST", "/v1/transaction/sale", &sale().to_string()),
            &[409, 429],
        ),
        (with_key("GET", "/v1/session", ""), &[400, 426, 429]),
        (with_key("DELETE", "/v1/session", ""), &[405]),
        (
            head("GET", "/v1/device/health", &[("X-Api-Key", "wrong")], 0).into(),
            &[401],
        ),
        (
            head("GET", "/", &[("Host", "evil.example")], 0).into(),
            &[403],
        ),
        (b"\x00\xff\r\n\r\n".to_vec(), &[400]),
    ]
}

#[tokio::test]
async fn a_crowd_harms_nobody() {
    let keys = ApiKeys::from_keys([KEY, CROWD_KEY]);
    let running = Running::start_configured(keys, |api| api.with_limits(Limits::reference())).await;
    let paying = running.sale_with_key("one", &sale());
    let id = running.terminal.runs().await;
    let running = Arc::new(running);
    let end = Instant::now() + DURATION;
    let mut crowd = JoinSet::new();
    for client in 0..CLIENTS {
        let running = Arc::clone(&running);
        crowd.spawn(async move {
            let requests = requests();
            for turn in client.. {
                if Instant::now() > end {
                    return;
                }
                let (request, allowed) = &requests[turn % requests.len()];
                if turn % 5 == 0 {
                    // One that leaves in the middle.
                    let half = request.get(..request.len() / 2).unwrap_or_default();
                    if let Ok(mut stream) = TcpStream::connect(running.address).await {
                        drop(stream.write_all(half).await);
                    }
                    continue;
                }
                let answer = running.send_raw(request).await;
                assert!(allowed.contains(&answer.status), "{allowed:?} {answer:?}");
            }
        });
    }
    while let Some(client) = crowd.join_next().await {
        client.expect("every answer is one that is allowed");
    }
    running.terminal.end(&id, approved());
    let paid = paying.await.expect("an answer");
    assert_eq!(paid.body["status"], "APPROVED", "{paid:?}");
    assert_eq!(running.terminal.begun(), 1);
    assert_eq!(running.get("/v1/device/health").await.status, 200);
}
