//! What a terminal tells while it works: the events of a session.
//!
//! The session only shows progress; without it a transaction goes on.

use std::sync::Arc;

use anyhow::{Context, Result};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::mpsc,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        http::{HeaderValue, Uri},
    },
};

use super::{connector::server_name, terminal::Terminal};

impl Terminal {
    /// Opens a session and sends its events, until the receiver or the terminal goes away.
    pub(crate) async fn watch(&self, events: mpsc::Sender<Value>) -> Result<()> {
        let uri: Uri = self.url().parse()?;
        let host = uri.host().context("the URL has no host")?;
        let usual_port = if self.tls().is_some() { 443 } else { 80 };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or(usual_port);
        let connection = TcpStream::connect((bare, port)).await?;
        match self.tls() {
            Some(tls) => {
                let connector = TlsConnector::from(Arc::clone(tls));
                let stream = connector.connect(server_name(host)?, connection).await?;
                self.relay(stream, events).await
            }
            None => self.relay(connection, events).await,
        }
    }

    async fn relay<S>(&self, stream: S, events: mpsc::Sender<Value>) -> Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let path = format!("{}/v1/session", self.url());
        let (_, rest) = path.split_once("://").context("the URL has no scheme")?;
        let scheme = if self.tls().is_some() { "wss" } else { "ws" };
        let mut request = format!("{scheme}://{rest}").into_client_request()?;
        request
            .headers_mut()
            .insert(api::API_KEY_HEADER, HeaderValue::from_str(self.api_key())?);
        let (mut socket, _): (WebSocketStream<S>, _) = client_async(request, stream)
            .await
            .context("opening a session")?;
        // Told apart from events by its name: the session is open, nothing will be missed.
        events.send(json!({"event": "connected"})).await?;
        while let Some(message) = socket.next().await {
            if let Message::Text(text) = message?
                && events.send(serde_json::from_str(&text)?).await.is_err()
            {
                break;
            }
        }
        Ok(())
    }
}

/// An event as a person reads it; `None` for what the answer will say.
pub(crate) fn describe(event: &Value) -> Option<String> {
    let text = |member: &str| {
        event
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    match text("event") {
        "waiting_for_card" | "processing" => Some(text("message").into()),
        "card_detected" => Some(format!(
            "{} {} ({})",
            text("scheme"),
            text("maskedPan"),
            text("entryMode").to_lowercase()
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_in_words() {
        let cases = [
            (
                json!({"event": "waiting_for_card", "message": "Present card"}),
                Some("Present card"),
            ),
            (
                json!({"event": "processing", "message": "Authorizing"}),
                Some("Authorizing"),
            ),
            (
                json!({
                    "event": "card_detected", "scheme": "VISA", "maskedPan": "****1234",
                    "entryMode": "CONTACT",
                }),
                Some("VISA ****1234 (contact)"),
            ),
            (json!({"event": "result", "response": {}}), None),
            (json!({}), None),
        ];
        for (event, expected) in cases {
            assert_eq!(describe(&event).as_deref(), expected, "{event}");
        }
    }
}
