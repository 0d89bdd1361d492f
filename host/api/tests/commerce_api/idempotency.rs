//! One Idempotency-Key, one transaction, whatever becomes of the connections.

use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    client::{KEY, Running, sale},
    fake_terminal::approved,
};

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer() {
    let running = Running::start().await;
    let first = running.sale_with_key("one", &sale());
    let id = running.terminal.runs().await;
    running.terminal.end(&id, approved());
    let first = first.await.expect("an answer");
    // The same body, written in another order.
    let again = json!({"currency": "NZD", "amount": 2500, "type": "SALE"});
    let again = running
        .sale_with_key("one", &again)
        .await
        .expect("an answer");
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(running.terminal.begun(), 1);
}

#[tokio::test]
async fn a_repeated_request_joins_the_running_one() {
    let running = Running::start().await;
    let requests = [(); 3].map(|()| running.sale_with_key("one", &sale()));
    let id = running.terminal.runs().await;
    running
        .terminal
        .progress(&id, terminal_host::service::Progress::WaitingForCard);
    running.terminal.end(&id, approved());
    for request in requests {
        let answer = request.await.expect("an answer");
        assert_eq!(answer.body["transactionId"], id.as_str());
        assert_eq!(answer.body["status"], "APPROVED");
    }
    assert_eq!(running.terminal.begun(), 1);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_a_conflict() {
    let running = Running::start().await;
    let first = running.sale_with_key("one", &sale());
    let id = running.terminal.runs().await;
    let other = json!({"type": "SALE", "amount": 2501, "currency": "NZD"});
    let conflict = running
        .sale_with_key("one", &other)
        .await
        .expect("an answer");
    conflict.check_error(409, "IDEMPOTENCY_CONFLICT");
    running.terminal.end(&id, approved());
    assert_eq!(first.await.expect("an answer").status, 200);
    let conflict = running
        .sale_with_key("one", &other)
        .await
        .expect("an answer");
    conflict.check_error(409, "IDEMPOTENCY_CONFLICT");
    assert_eq!(running.terminal.begun(), 1);
}

#[tokio::test]
async fn other_keys_are_other_transactions() {
    let running = Running::start().await;
    for (count, key) in ["one", "two"].into_iter().enumerate() {
        let request = running.sale_with_key(key, &sale());
        let id = running.terminal.runs().await;
        running.terminal.end(&id, approved());
        assert_eq!(request.await.expect("an answer").status, 200);
        assert_eq!(running.terminal.begun(), count + 1);
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_finds_its_answer_later() {
    let running = Running::start().await;
    let body = sale().to_string();
    let message = format!(
        "POST /v1/transaction/sale HTTP/1.1\r\nHost: terminal\r\nX-Api-Key: {KEY}\r\n\
         Content-Type: application/json\r\nIdempotency-Key: one\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(running.address)
        .await
        .expect("a connection");
    stream
        .write_all(message.as_bytes())
        .await
        .expect("the request is taken");
    let id = running.terminal.runs().await;
    drop(stream);
    let again = running.sale_with_key("one", &sale());
    running.terminal.end(&id, approved());
    let again = again.await.expect("an answer");
    assert_eq!(again.body["transactionId"], id.as_str());
    assert_eq!(again.body["status"], "APPROVED");
    assert_eq!(running.terminal.begun(), 1);
}
