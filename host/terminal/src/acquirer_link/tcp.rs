//! A plain TCP socket: messages with a two-byte big-endian length in front.

use std::{net::SocketAddr, time::Duration};

use async_trait::async_trait;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout_at,
};

use super::{AcquirerLink, Fault};
use crate::observer::{Observer, Point};

/// The longest answer that is read.
const ANSWER_LENGTH_MAX: usize = 8192;

/// Opens one connection for each exchange, so that a late answer meets no reader.
#[derive(Debug, Clone, Copy)]
pub struct Tcp {
    address: SocketAddr,
    connect_timeout: Duration,
}

impl Tcp {
    /// A link to `address`. A connection that is not made within `connect_timeout`, or within the
    /// exchange's own time, counts as unreachable.
    pub fn new(address: SocketAddr, connect_timeout: Duration) -> Self {
        Self {
            address,
            connect_timeout,
        }
    }
}

#[async_trait]
impl AcquirerLink for Tcp {
    async fn exchange(
        &mut self,
        request: &[u8],
        timeout: Duration,
        observer: &dyn Observer,
    ) -> Result<Vec<u8>, Fault> {
        // A message whose length the header cannot say is never begun.
        let length = u16::try_from(request.len()).map_err(|_| Fault::Unreachable)?;
        let started = tokio::time::Instant::now();
        let connect = TcpStream::connect(self.address);
        let mut stream = tokio::time::timeout(self.connect_timeout.min(timeout), connect)
            .await
            .map_err(|_| Fault::Unreachable)?
            .map_err(|_| Fault::Unreachable)?;
        let mut framed = Vec::with_capacity(request.len().saturating_add(2));
        framed.extend_from_slice(&length.to_be_bytes());
        framed.extend_from_slice(request);
        // From here on a byte may have left: whatever fails, the answer is lost.
        let deadline = started.checked_add(timeout).unwrap_or(started);
        timeout_at(deadline, converse(&mut stream, &framed, observer))
            .await
            .unwrap_or(Err(Fault::AnswerLost))
    }
}

async fn converse(
    stream: &mut TcpStream,
    framed: &[u8],
    observer: &dyn Observer,
) -> Result<Vec<u8>, Fault> {
    stream
        .write_all(framed)
        .await
        .map_err(|_| Fault::AnswerLost)?;
    stream.flush().await.map_err(|_| Fault::AnswerLost)?;
    observer.at(Point::RequestWritten);
    let length = usize::from(stream.read_u16().await.map_err(|_| Fault::AnswerLost)?);
    if length > ANSWER_LENGTH_MAX {
        return Err(Fault::AnswerTooLong);
    }
    let mut answer = vec![0; length];
    stream
        .read_exact(&mut answer)
        .await
        .map_err(|_| Fault::AnswerLost)?;
    observer.at(Point::AnswerRead);
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::Tcp;
    use crate::{
        acquirer_link::{AcquirerLink as _, Fault},
        observer::NoObserver,
    };

    /// Sends `request` to a peer that reads it whole, writes `answer`, and closes or stalls.
    async fn exchange(answer: &'static [u8], closes: bool) -> Result<Vec<u8>, Fault> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let peer = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = [0; 5];
            stream.read_exact(&mut request).await.expect("a request");
            assert_eq!(request, [0, 3, 1, 2, 3]);
            stream.write_all(answer).await.expect("the terminal reads");
            if !closes {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        });
        let mut link = Tcp::new(address, Duration::from_secs(1));
        let result = link
            .exchange(&[1, 2, 3], Duration::from_millis(200), &NoObserver)
            .await;
        if closes {
            peer.await.expect("the peer saw the framed request");
        }
        result
    }

    #[tokio::test]
    async fn every_failure_after_the_first_byte_is_a_lost_answer() {
        type Case = (&'static [u8], bool, Result<Vec<u8>, Fault>);
        let cases: [Case; 6] = [
            (&[0, 2, 8, 9], true, Ok(vec![8, 9])),
            (&[0, 2, 8, 9, 7], true, Ok(vec![8, 9])),
            (&[0, 2, 8], true, Err(Fault::AnswerLost)),
            (&[0], true, Err(Fault::AnswerLost)),
            (&[0, 2, 8], false, Err(Fault::AnswerLost)),
            (&[0x20, 0x01], true, Err(Fault::AnswerTooLong)),
        ];
        for (answer, closes, expected) in cases {
            assert_eq!(
                exchange(answer, closes).await,
                expected,
                "{answer:?} {closes}"
            );
        }
    }

    #[tokio::test]
    async fn a_refused_connection_and_a_message_too_long_send_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let mut link = Tcp::new(
            listener.local_addr().expect("bound"),
            Duration::from_millis(200),
        );
        let wait = Duration::from_millis(200);
        let long = vec![0; 65_536];
        assert_eq!(
            link.exchange(&long, wait, &NoObserver).await,
            Err(Fault::Unreachable)
        );
        drop(listener);
        assert_eq!(
            link.exchange(&[1], wait, &NoObserver).await,
            Err(Fault::Unreachable)
        );
    }
}
