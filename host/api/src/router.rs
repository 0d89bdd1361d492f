//! The paths, and what every request passes on its way to them.

use std::{
    net::{IpAddr, Ipv4Addr},
    ops::Deref,
    panic::AssertUnwindSafe,
    sync::Arc,
};

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt as _;
use terminal_host::clock::{Clock, SystemClock};
use tokio::{sync::watch, time::Instant};

use crate::{
    auth::{ApiKeys, Credentials, KeyDigest, Tokens},
    ended::Ended,
    error::ApiError,
    limits::Limits,
    metrics::Metrics,
    once::InFlight,
    openapi, operations,
    places::Places,
    request::{AMOUNT_MINOR_MAX, Allowed},
    request_id,
    session::{SESSIONS_MAX, SESSIONS_PER_CALLER_MAX},
    terminal::{Merchant, Terminal},
    web::{self, WebRules},
};

/// The path of the WebSocket.
pub(crate) const SESSION_PATH: &str = "/v1/session";

/// One terminal's API. Cheap to clone: every request does so, several times.
#[derive(Clone)]
pub struct Api(Arc<Parts>);

/// What an API is made of.
#[derive(Clone)]
pub struct Parts {
    pub(crate) terminal: Arc<dyn Terminal>,
    pub(crate) merchant: Arc<Merchant>,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    /// From where the limits count time.
    pub(crate) began: Instant,
    pub(crate) amount_minor_max: u64,
    pub(crate) shutdown: watch::Receiver<bool>,
    pub(crate) sessions: Places<KeyDigest>,
    pub(crate) metrics: Metrics,
    pub(crate) webhook_figures: Option<webhooks::Figures>,
    pub(crate) in_flight: InFlight,
    pub(crate) ended: Ended,
    pub(crate) web_rules: WebRules,
}

impl Api {
    /// An API over `terminal` that lets `keys` in. Sessions are closed when `shutdown` becomes
    /// true or its sender is dropped.
    pub fn new(
        terminal: Arc<dyn Terminal>,
        keys: ApiKeys,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        Self(Arc::new(Parts {
            merchant: Arc::new(terminal.merchant()),
            terminal,
            credentials: Arc::new(Credentials { keys, tokens: None }),
            limits: Limits::reference(),
            clock: Arc::new(SystemClock),
            began: Instant::now(),
            amount_minor_max: AMOUNT_MINOR_MAX,
            shutdown,
            sessions: Places::new(SESSIONS_MAX, SESSIONS_PER_CALLER_MAX),
            metrics: Metrics::default(),
            webhook_figures: None,
            in_flight: InFlight::default(),
            ended: Ended::default(),
            web_rules: WebRules::of_address(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        }))
    }

    fn parts(&mut self) -> &mut Parts {
        Arc::make_mut(&mut self.0)
    }

    /// Lets bearer tokens in too.
    #[must_use]
    pub fn with_tokens(mut self, tokens: Tokens) -> Self {
        let keys = self.credentials.keys.clone();
        self.parts().credentials = Arc::new(Credentials {
            keys,
            tokens: Some(tokens),
        });
        self
    }

    /// Sets other rate limits than the reference's.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.parts().limits = limits;
        self
    }

    /// Sets under which names the terminal answers, and to which pages. Without it, it answers as
    /// one that listens on the loopback address and has no further name.
    #[must_use]
    pub fn with_web_rules(mut self, rules: WebRules) -> Self {
        self.parts().web_rules = rules;
        self
    }

    /// Shows the figures of deliveries of webhooks too, at `GET /metrics`.
    #[must_use]
    pub fn with_webhook_figures(mut self, figures: webhooks::Figures) -> Self {
        self.parts().webhook_figures = Some(figures);
        self
    }

    /// Sets the clock that ends keys and tokens.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.parts().clock = clock;
        self
    }

    /// Sets the merchant's ceiling for the whole amount of a transaction, in minor units. Without
    /// it the ceiling is what the message to the acquirer can hold.
    #[must_use]
    pub fn with_amount_ceiling(mut self, amount_minor_max: u64) -> Self {
        self.parts().amount_minor_max = amount_minor_max;
        self
    }

    pub(crate) fn allowed(&self) -> Allowed {
        Allowed {
            amount_minor_max: self.amount_minor_max,
            currencies: self.merchant.currencies.clone(),
        }
    }
}

impl Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The Commerce API as a router, ready for [`crate::serve`]. Paths of an embedder's own can be merged
/// into it; they pass none of the API's layers, and [`WebRules::protect`] is for them.
pub fn router(api: Api) -> Router {
    operations::routes(&api)
        // They hold no secret, and tell a client how to show its key.
        .merge(openapi::routes())
        // Named, so that it stays when an embedder merges paths of its own into this router.
        .fallback(not_found)
        // One layer and not several: each copies all that lies below it, for every request.
        .layer(from_fn_with_state(api.clone(), pass))
        .with_state(api)
}

async fn not_found() -> ApiError {
    ApiError::from_status(StatusCode::NOT_FOUND)
}

/// What every request passes: it is named, a foreign page is refused, a panic is caught, and the answer
/// is rendered.
async fn pass(State(api): State<Api>, request: Request, next: Next) -> Response {
    request_id::name_and_render(&api.metrics, request, |request| {
        web::check(&api.web_rules, request, |request| caught(next.run(request)))
    })
    .await
}

/// A panic costs its own request and nothing else. Its message may hold anything, so it is not
/// repeated.
async fn caught(answering: impl Future<Output = Response>) -> Response {
    let answered = AssertUnwindSafe(answering).catch_unwind().await;
    answered.unwrap_or_else(|_| {
        tracing::error!("a handler panicked");
        ApiError::from_status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
    })
}
