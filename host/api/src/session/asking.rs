//! The question that a session has asked and whose answer it waits for.

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::event;
use crate::{
    device::{self, InputRequest},
    error::ApiError,
    request_id::new_request_id,
    router::Api,
};

/// A question of a session; one at a time. Dropping it ends the question.
#[derive(Default)]
pub(super) struct Asking(Option<BoxFuture<'static, Value>>);

impl Asking {
    /// Asks. Refused while an answer is waited for.
    pub(super) fn begin(&mut self, api: &Api, request: InputRequest) -> Result<(), ApiError> {
        if self.0.is_some() {
            return Err(device::busy(None));
        }
        let asking = request.ask(api.clone());
        self.0 = Some(Box::pin(async move {
            match asking.await {
                Ok(response) => event::input_result(response),
                Err(error) => event::refused(&error, &new_request_id()),
            }
        }));
        Ok(())
    }

    /// The event of the answer, when it comes. Dropping the future changes nothing.
    pub(super) async fn event(&mut self) -> Value {
        let event = match &mut self.0 {
            Some(asking) => asking.await,
            None => std::future::pending().await,
        };
        self.0 = None;
        event
    }
}
