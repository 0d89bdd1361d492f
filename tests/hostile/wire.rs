//! One connection, byte by byte: what is sent need be neither HTTP nor WebSocket.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time,
};

/// How long a client waits for an answer: longer than the terminal's own limits of ten seconds, one
/// after the other.
const PATIENCE: Duration = Duration::from_secs(25);

/// How long a write may take.
const WRITE_PATIENCE: Duration = Duration::from_secs(15);

/// The most bytes of one answer.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a client heard.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    /// An answer of HTTP.
    Answer(Answer),
    /// A message of the session.
    Event(Value),
    /// Another frame of a WebSocket, by its opcode.
    Frame(u8),
    /// The session is closed with this code.
    Closed(u16),
    /// The connection is at its end.
    Ended,
    /// Nothing came in time.
    Nothing,
}

/// An answer of HTTP.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: Value,
}

impl Heard {
    /// In one or two words, such as `401 UNAUTHORIZED`.
    pub(crate) fn label(&self) -> String {
        let code = |body: &Value| body["error"].as_str().map(|code| format!(" {code}"));
        match self {
            Self::Answer(answer) => {
                let code = code(&answer.body).unwrap_or_default();
                format!("{}{code}", answer.status)
            }
            Self::Event(event) => {
                let name = event["event"].as_str().unwrap_or_default();
                format!("{name}{}", code(event).unwrap_or_default())
            }
            Self::Frame(opcode) => format!("frame {opcode}"),
            Self::Closed(code) => format!("close {code}"),
            Self::Ended => "ended".to_owned(),
            Self::Nothing => "nothing".to_owned(),
        }
    }
}

/// A connection, and what came on it and is not read yet.
pub(crate) struct Wire {
    stream: TcpStream,
    came: Vec<u8>,
}

impl Wire {
    /// Connects from one of the addresses of this machine.
    pub(crate) async fn connect(to: SocketAddr, from: Ipv4Addr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(IpAddr::V4(from), 0))?;
        let connecting = time::timeout(WRITE_PATIENCE, socket.connect(to));
        let stream = connecting.await.map_err(io::Error::other)??;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            came: Vec::new(),
        })
    }

    /// Sends, unless the other side has gone or reads nothing.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        let sending = time::timeout(WRITE_PATIENCE, self.stream.write_all(bytes));
        matches!(sending.await, Ok(Ok(())))
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn finish(&mut self) {
        drop(self.stream.shutdown().await);
    }

    /// Breaks the connection off, so that the other side sees a reset.
    pub(crate) fn reset(self) {
        drop(self.stream.set_zero_linger());
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> Heard {
        self.heard(Self::parse_answer).await
    }

    /// The next frame of a WebSocket.
    pub(crate) async fn frame(&mut self) -> Heard {
        self.heard(Self::parse_frame).await
    }

    /// Whether the terminal ends the connection, whatever it says before.
    pub(crate) async fn end(&mut self) -> Heard {
        let ending = time::timeout(PATIENCE, async { while self.read().await {} });
        ending.await.map_or(Heard::Nothing, |()| Heard::Ended)
    }

    async fn heard(&mut self, parse: fn(&mut Self) -> Option<Heard>) -> Heard {
        let hearing = async {
            loop {
                if let Some(heard) = parse(self) {
                    return heard;
                }
                if !self.read().await {
                    return Heard::Ended;
                }
            }
        };
        let heard = time::timeout(PATIENCE, hearing).await;
        heard.unwrap_or(Heard::Nothing)
    }

    /// Reads more. `false` at the end, and when too much has come.
    async fn read(&mut self) -> bool {
        if self.came.len() > ANSWER_BYTES_MAX {
            self.came.clear();
        }
        matches!(self.stream.read_buf(&mut self.came).await, Ok(1..))
    }

    fn parse_answer(&mut self) -> Option<Heard> {
        let end = self.came.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(&self.came[..end]).into_owned();
        let header = |name: &str| {
            head.lines().find_map(|line| {
                let (found, value) = line.split_once(':')?;
                found
                    .eq_ignore_ascii_case(name)
                    .then(|| value.trim().to_owned())
            })
        };
        let status = head.split(' ').nth(1)?.parse().ok()?;
        // What leads to another answer or to a WebSocket has no body.
        let length = header("Content-Length").and_then(|length| length.parse().ok());
        let length: usize = length.unwrap_or_default();
        let body = self.came.get(end..end + length)?;
        let answer = Answer {
            status,
            retry_after: header("Retry-After").and_then(|value| value.parse().ok()),
            body: serde_json::from_slice(body).unwrap_or_default(),
        };
        self.came.drain(..end + length);
        Some(Heard::Answer(answer))
    }

    fn parse_frame(&mut self) -> Option<Heard> {
        let (&first, &second) = (self.came.first()?, self.came.get(1)?);
        let (start, length) = match second & 0x7F {
            126 => {
                let bytes = self.came.get(2..4)?.try_into().ok()?;
                (4, usize::from(u16::from_be_bytes(bytes)))
            }
            127 => {
                let bytes = self.came.get(2..10)?.try_into().ok()?;
                (10, usize::try_from(u64::from_be_bytes(bytes)).ok()?)
            }
            short => (2, usize::from(short)),
        };
        let payload = self.came.get(start..start + length)?.to_vec();
        self.came.drain(..start + length);
        Some(match first & 0x0F {
            1 => Heard::Event(serde_json::from_slice(&payload).unwrap_or_default()),
            8 => Heard::Closed(match *payload.as_slice() {
                [high, low, ..] => u16::from_be_bytes([high, low]),
                _ => 1005,
            }),
            opcode => Heard::Frame(opcode),
        })
    }
}

/// A frame as a client sends it: masked, whole unless `first` says otherwise.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..=125 => frame.push(0x80 | u8::try_from(short).unwrap_or_default()),
        length => {
            frame.push(0x80 | 127);
            frame.extend(u64::try_from(length).unwrap_or_default().to_be_bytes());
        }
    }
    frame.extend(MASK);
    let masked = payload.iter().zip(MASK.iter().cycle());
    frame.extend(masked.map(|(byte, mask)| byte ^ mask));
    frame
}
