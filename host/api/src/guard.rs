//! What stands before every operation: who calls, may they, and not too often.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::Value;

use crate::{
    auth::Caller,
    error::{ApiError, ErrorCode},
    operations::{Group, Operation},
    router::Api,
    version,
};

/// In a request: it was let in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admitted {
    /// Whose it is.
    pub(crate) caller: Caller,
    /// What it asks for.
    pub(crate) operation: &'static Operation,
}

/// In an answer: what was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guarded {
    /// The operation.
    pub(crate) operation: &'static Operation,
    /// Whether its request was let in.
    pub(crate) let_in: bool,
}

/// What stands before one operation.
#[derive(Clone)]
pub(crate) struct Guard {
    api: Api,
    operation: &'static Operation,
}

impl Guard {
    /// The guard of `operation`.
    pub(crate) fn new(api: Api, operation: &'static Operation) -> Self {
        Self { api, operation }
    }
}

/// Lets a request through whose caller is known, permitted and not too fast. The handler finds
/// [`Admitted`] in its extensions.
pub(crate) async fn admit(
    State(guard): State<Guard>,
    mut request: Request,
    next: Next,
) -> Response {
    let Guard { api, operation } = guard;
    let now = api.clock.now().timestamp();
    let admitted = api
        .credentials
        .caller(request.headers(), request.uri(), now)
        .and_then(|caller| {
            version::check(request.headers())?;
            check(&api, caller, operation)?;
            Ok(caller)
        });
    let let_in = admitted.is_ok();
    let mut response = match admitted {
        Ok(caller) => {
            let admitted = Admitted { caller, operation };
            request.extensions_mut().insert(admitted);
            next.run(request).await
        }
        Err(error) => refused(error),
    };
    response
        .extensions_mut()
        .insert(Guarded { operation, let_in });
    response
}

/// Refuses what the caller is not permitted, and what comes too often.
pub(crate) fn check(api: &Api, caller: Caller, operation: &Operation) -> Result<(), ApiError> {
    caller.check_permission(operation)?;
    count(api, caller, operation.group)
}

/// Counts one request in its group.
pub(crate) fn count(api: &Api, caller: Caller, group: Group) -> Result<(), ApiError> {
    api.limits
        .admit(group, caller.id, api.began.elapsed())
        .map_err(rate_limited)
}

/// The value becomes the header of the same name when the error is rendered.
fn rate_limited(seconds: u64) -> ApiError {
    ApiError::new(
        ErrorCode::RateLimited,
        format!("Too many requests. Ask again in {seconds} s"),
    )
    .field("Retry-After", "minimum")
    .value(&Value::from(seconds))
}

/// The answer, with the header that belongs to 401.
fn refused(error: ApiError) -> Response {
    let unknown = error.code == ErrorCode::Unauthorized;
    let mut response = error.into_response();
    if unknown {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
