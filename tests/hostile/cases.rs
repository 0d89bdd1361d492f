//! What the clients do, and what they must be told: one row for each kind of request.

use std::sync::PoisonError;

use api::{BODY_BYTES_MAX, MESSAGE_BYTES_MAX};

use crate::{client::Client, wire::frame};

/// One kind of request.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) act: Act,
    /// What is sent; in a session, once it is open.
    pub(crate) bytes: fn(&mut Client) -> Vec<u8>,
    /// What the documents say of it. One of these is heard at least once, and nothing but these and
    /// what may come instead of any answer: see [`Case::may_hear`].
    pub(crate) told: &'static [&'static str],
    /// Whether it comes only after a limit of ten seconds, and so not in a short run.
    pub(crate) late: bool,
}

/// How it is sent.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    /// At once, and one answer is read.
    Ask,
    /// At once, and so many answers are read.
    AskAll(usize),
    /// At once, and then the client's half is closed.
    HalfClose,
    /// A byte at a time.
    Drip,
    /// At once, and the connection is reset.
    Reset,
    /// Again and again, and nothing is read.
    ReadNothing,
    /// At once, and then nothing, until the terminal ends it.
    Wait,
    /// In a session that this query opens.
    Session(&'static str),
    /// Again and again in a session, and nothing is read.
    UnreadSession,
}

impl Case {
    /// Whether it opens a session.
    pub(crate) fn is_session(&self) -> bool {
        matches!(self.act, Act::Session(_) | Act::UnreadSession)
    }

    /// Whether this may be heard: what is in the row; that the caller is too fast; and the end of the
    /// connection, which a client that breaks HTTP can see in place of its answer.
    pub(crate) fn may_hear(&self, label: &str) -> bool {
        self.told.contains(&label) || label == "429 RATE_LIMITED" || label == "ended"
    }
}

const fn ask(
    name: &'static str,
    bytes: fn(&mut Client) -> Vec<u8>,
    told: &'static [&'static str],
) -> Case {
    doing(name, Act::Ask, bytes, told)
}

const fn doing(
    name: &'static str,
    act: Act,
    bytes: fn(&mut Client) -> Vec<u8>,
    told: &'static [&'static str],
) -> Case {
    Case {
        name,
        act,
        bytes,
        told,
        late: false,
    }
}

const fn late(case: Case) -> Case {
    Case { late: true, ..case }
}

const BAD: &[&str] = &["400 INVALID_REQUEST"];
const OK: &[&str] = &["200"];

/// A GET with a key that may do everything.
fn get(client: &Client, path: &str) -> Vec<u8> {
    get_with(path, &format!("X-Api-Key: {}\r\n", client.key))
}

fn get_with(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").into_bytes()
}

/// A sale with this body, of which nobody is to be charged.
fn sale(client: &Client, body: &[u8]) -> Vec<u8> {
    let length = format!("Content-Length: {}\r\n", body.len());
    post(client, &length, body)
}

fn post(client: &Client, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = post_head(&client.key, "/v1/transaction/sale", headers);
    bytes.extend_from_slice(body);
    bytes
}

fn post_head(key: &str, path: &str, headers: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {key}\r\n\
         Content-Type: application/json\r\n{headers}\r\n"
    )
    .into_bytes()
}

fn abort(client: &Client, key: &str) -> Vec<u8> {
    let running = client.target.running.lock();
    let running = running.unwrap_or_else(PoisonError::into_inner);
    post_head(
        key,
        &format!("/v1/transaction/{running}/abort"),
        "Content-Length: 0\r\n",
    )
}

fn action(text: &str) -> Vec<u8> {
    frame(0x81, text.as_bytes())
}

/// Every case.
pub(crate) static CASES: &[Case] = &[
    // What is well asked.
    ask("health", |c| get(c, "/v1/device/health"), OK),
    ask("list", |c| get(c, "/v1/transactions?limit=5"), OK),
    ask("openapi.json", |_| get_with("/openapi.json", ""), OK),
    doing(
        "pipelined",
        Act::AskAll(16),
        |c| get(c, "/v1/device/health").repeat(16),
        OK,
    ),
    doing(
        "half closed after asking",
        Act::HalfClose,
        |c| get(c, "/v1/device/health"),
        OK,
    ),
    ask(
        "no such transaction",
        |c| get(c, "/v1/transaction/txn_0"),
        &["404 NOT_FOUND"],
    ),
    // Who asks.
    ask(
        "no key",
        |_| get_with("/v1/transactions", ""),
        &["401 UNAUTHORIZED"],
    ),
    ask(
        "a wrong key",
        |_| get_with("/v1/transactions", "X-Api-Key: sk_test_0000\r\n"),
        &["401 UNAUTHORIZED"],
    ),
    ask(
        "two schemes",
        |c| {
            let both = format!("X-Api-Key: {0}\r\nAuthorization: Bearer {0}\r\n", c.key);
            get_with("/v1/transactions", &both)
        },
        BAD,
    ),
    ask(
        "a sale without the permission",
        |c| {
            post_head(
                &c.target.reader,
                "/v1/transaction/sale",
                "Content-Length: 0\r\n",
            )
        },
        &["403 FORBIDDEN"],
    ),
    ask(
        "another one's abort without the permission",
        |c| abort(c, &c.target.reader),
        &["403 FORBIDDEN"],
    ),
    doing(
        "a burst",
        Act::AskAll(40),
        |c| get(c, "/v1/transactions").repeat(40),
        &["200"],
    ),
    // From where.
    ask(
        "a foreign host",
        |_| b"GET /v1/transactions HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_vec(),
        &["403 FORBIDDEN"],
    ),
    ask("no host", |_| b"GET / HTTP/1.1\r\n\r\n".to_vec(), BAD),
    ask("two hosts", |_| get_with("/", "Host: localhost\r\n"), BAD),
    ask(
        "a foreign origin",
        |_| get_with("/v1/transactions", "Origin: https://evil.example\r\n"),
        &["403 FORBIDDEN"],
    ),
    // Paths and heads.
    ask(
        "no such path",
        |_| get_with("/wp-login.php", ""),
        &["404 NOT_FOUND"],
    ),
    ask(
        "another method",
        |_| b"DELETE /v1/transactions HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        &["405 INVALID_REQUEST"],
    ),
    ask(
        "a long path",
        |_| get_with(&format!("/{}", "a".repeat(70_000)), ""),
        &["414 INVALID_REQUEST", "431 INVALID_REQUEST"],
    ),
    ask(
        "a large header",
        |_| get_with("/", &format!("A: {}\r\n", "a".repeat(64 * 1024))),
        &["431 INVALID_REQUEST"],
    ),
    ask(
        "many headers",
        |_| get_with("/", &"A: b\r\n".repeat(200)),
        &["431 INVALID_REQUEST"],
    ),
    ask("a NUL in a header", |_| get_with("/", "A: b\0c\r\n"), BAD),
    ask(
        "a header without a colon",
        |_| get_with("/", "nothing\r\n"),
        BAD,
    ),
    // Bodies.
    ask(
        "a large body",
        |c| sale(c, &vec![b' '; BODY_BYTES_MAX + 1]),
        &["413 INVALID_REQUEST"],
    ),
    ask(
        "a huge body that waits for 100",
        |c| {
            post(
                c,
                "Content-Length: 9999999999\r\nExpect: 100-continue\r\n",
                b"",
            )
        },
        &["413 INVALID_REQUEST"],
    ),
    ask(
        "large chunks",
        |c| {
            let mut chunks = b"20000\r\n".to_vec();
            chunks.extend(vec![b' '; 0x20000]);
            chunks.extend(b"\r\n0\r\n\r\n");
            post(c, "Transfer-Encoding: chunked\r\n", &chunks)
        },
        &["413 INVALID_REQUEST"],
    ),
    ask(
        "chunks that are none",
        |c| {
            post(
                c,
                "Transfer-Encoding: chunked\r\n",
                b"zz\r\n{}\r\n0\r\n\r\n",
            )
        },
        BAD,
    ),
    doing(
        "a body shorter than it says",
        Act::HalfClose,
        |c| post(c, "Content-Length: 100\r\n", b"{\"type\":"),
        BAD,
    ),
    doing(
        "a body longer than it says",
        Act::AskAll(2),
        |c| post(c, "Content-Length: 2\r\n", b"{}{}{}{} garbage\r\n\r\n"),
        &["400 MISSING_FIELD", "400 INVALID_REQUEST"],
    ),
    ask(
        "two lengths",
        |c| post(c, "Content-Length: 2\r\nContent-Length: 3\r\n", b"{} "),
        BAD,
    ),
    ask(
        "a negative length",
        |c| post(c, "Content-Length: -1\r\n", b""),
        BAD,
    ),
    ask(
        "a length and chunks",
        |c| {
            let both = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
            post(c, both, b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        },
        BAD,
    ),
    ask("no UTF-8", |c| sale(c, b"{\"type\":\"\xFF\xFE\"}"), BAD),
    ask("deep JSON", |c| sale(c, &[b'['; 60_000]), BAD),
    ask(
        "half of the JSON",
        |c| sale(c, b"{\"type\":\"SALE\",\"amount\":"),
        BAD,
    ),
    ask(
        "an unknown field",
        |c| {
            sale(
                c,
                br#"{"type":"SALE","amount":2500,"currency":"NZD","amuont":1}"#,
            )
        },
        BAD,
    ),
    ask(
        "a field twice",
        |c| {
            sale(
                c,
                br#"{"type":"SALE","amount":1,"amount":2500,"currency":"NZD"}"#,
            )
        },
        BAD,
    ),
    ask(
        "an amount out of range",
        |c| {
            const AMOUNTS: [&str; 7] = [
                "0",
                "-1",
                "1.5",
                "1e400",
                "1000000000000",
                "18446744073709551616",
                "\"2500\"",
            ];
            let amount = AMOUNTS[c.random.below(AMOUNTS.len())];
            let body = format!(r#"{{"type":"SALE","amount":{amount},"currency":"NZD"}}"#);
            sale(c, body.as_bytes())
        },
        &["400 INVALID_AMOUNT", "400 INVALID_REQUEST"],
    ),
    ask(
        "no JSON",
        |c| {
            let head = format!(
                "POST /v1/transaction/sale HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {}\r\n\
                 Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{{}}",
                c.key
            );
            head.into_bytes()
        },
        &["415 INVALID_REQUEST"],
    ),
    ask(
        "a key that is none",
        |c| {
            let head = "Idempotency-Key: a b\r\nContent-Length: 50\r\n";
            post(
                c,
                head,
                br#"{"type":"SALE","amount":2500,"currency":"NZD"}    "#,
            )
        },
        BAD,
    ),
    // What is slow, and what breaks off.
    late(doing(
        "a head byte by byte",
        Act::Drip,
        |c| get(c, "/v1/device/health"),
        // Or it gives way, once every place is taken.
        &["408 TIMEOUT", "ended"],
    )),
    late(ask(
        "half a head",
        |_| b"GET / HTTP/1.1\r\nHost: loc".to_vec(),
        &["408 TIMEOUT", "ended"],
    )),
    late(ask(
        "half a body",
        |c| post(c, "Content-Length: 50\r\n", b"{\"type\":"),
        &["408 TIMEOUT"],
    )),
    late(doing(
        "nothing at all",
        Act::Wait,
        |_| Vec::new(),
        &["ended"],
    )),
    late(doing(
        "answers that nobody reads",
        Act::ReadNothing,
        |_| get_with("/openapi.json", ""),
        &["ended"],
    )),
    doing(
        "reset after asking",
        Act::Reset,
        |c| get(c, "/v1/transactions"),
        &["ended"],
    ),
    doing(
        "reset within a body",
        Act::Reset,
        |c| post(c, "Content-Length: 50\r\n", b"{\"type\":"),
        &["ended"],
    ),
    // Other protocols.
    ask(
        "the preface of HTTP/2",
        |_| b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        BAD,
    ),
    ask(
        "the hello of TLS",
        |_| b"\x16\x03\x01\x00\xC8\x01\x00\x00\xC4\x03\x03".repeat(12),
        BAD,
    ),
    doing(
        "random bytes",
        Act::HalfClose,
        |c| {
            let byte = |_| u8::try_from(c.random.below(256)).unwrap_or_default();
            (0..4096).map(byte).collect()
        },
        BAD,
    ),
    // Sessions.
    ask(
        "a session without an upgrade",
        |c| get(c, "/v1/session"),
        &["400 INVALID_REQUEST", "426 INVALID_REQUEST"],
    ),
    ask(
        "an upgrade without its key",
        |c| {
            let key = format!(
                "X-Api-Key: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\n",
                c.key
            );
            get_with("/v1/session", &key)
        },
        BAD,
    ),
    doing(
        "a token of nowhere",
        Act::Session("?resumeToken=rt_0123456789abcdef_7"),
        |_| Vec::new(),
        &["error NOT_FOUND"],
    ),
    doing(
        "a token that is none",
        Act::Session("?resumeToken=%00%ff"),
        |_| Vec::new(),
        &["error NOT_FOUND", "error INVALID_REQUEST"],
    ),
    doing(
        "an unknown action",
        Act::Session(""),
        |_| action(r#"{"action":"open_till"}"#),
        &["error INVALID_REQUEST", "error RATE_LIMITED"],
    ),
    doing(
        "an action that is no JSON",
        Act::Session(""),
        |_| action("{{{{"),
        &["error INVALID_REQUEST", "error RATE_LIMITED"],
    ),
    doing(
        "binary frames",
        Act::Session(""),
        |_| frame(0x82, b"\0\x01\x02"),
        &["close 1003"],
    ),
    doing(
        "a message that is too large",
        Act::Session(""),
        |_| frame(0x81, &vec![b' '; MESSAGE_BYTES_MAX + 1]),
        &["close 1009"],
    ),
    doing(
        "a frame that is far too large",
        Act::Session(""),
        |_| frame(0x81, &vec![b' '; 4 * MESSAGE_BYTES_MAX]),
        &["ended", "close 1009"],
    ),
    doing(
        "fragments without end",
        Act::Session(""),
        |_| {
            let mut frames = frame(0x01, &[b' '; 1000]);
            frames.extend(frame(0x00, &[b' '; 1000]).repeat(400));
            frames
        },
        &["ended", "close 1009"],
    ),
    doing(
        "frames without a mask",
        Act::Session(""),
        |_| b"\x81\x04ping".to_vec(),
        &["ended", "close 1002"],
    ),
    doing(
        "text that is no UTF-8",
        Act::Session(""),
        |_| frame(0x81, b"\xFF\xFE"),
        &["ended", "close 1007"],
    ),
    doing(
        "reserved bits",
        Act::Session(""),
        |_| frame(0xF1, b"{}"),
        &["ended", "close 1002"],
    ),
    doing(
        "a flood of pings",
        Act::Session(""),
        |_| {
            let mut frames = frame(0x89, b"are you there").repeat(500);
            frames.extend(frame(0x88, b""));
            frames
        },
        &["frame 10"],
    ),
    doing(
        "a flood of actions",
        Act::Session(""),
        |_| action(r#"{"action":"ping"}"#).repeat(100),
        &["error RATE_LIMITED"],
    ),
    late(doing(
        "events that nobody reads",
        Act::UnreadSession,
        |_| action("{").repeat(1000),
        &["ended"],
    )),
    late(doing(
        "a session that does nothing",
        Act::Session(""),
        |_| Vec::new(),
        &["nothing"],
    )),
];
