//! What a transaction leads to: the operations that take its name.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::exchange::Exchange;
use crate::operations::OPERATIONS;

/// A transaction's name in the answer, as OpenAPI's runtime expressions say it.
const NAME: &str = "$response.body#/transactionId";

/// The link objects of an answer; none that leads to no operation.
pub(super) fn described(exchange: &Exchange) -> BTreeMap<&'static str, Value> {
    exchange
        .leads_to
        .iter()
        .filter_map(|id| {
            let next = OPERATIONS.iter().find(|operation| operation.id == *id)?;
            let mut link = json!({"operationId": id, "description": next.summary});
            let (member, value) = match (next.exchange)().body {
                None => ("parameters", json!({"transactionId": NAME})),
                Some((_, schema)) => ("requestBody", request(&schema.into())),
            };
            link.as_object_mut()?.insert(member.into(), value);
            Some((*id, link))
        })
        .collect()
}

/// A request for the whole amount of the transaction that was answered.
fn request(schema: &Value) -> Value {
    json!({
        "type": schema.pointer("/properties/type/const"),
        "amount": "$response.body#/amount",
        "currency": "$response.body#/currency",
        "originalTransactionId": NAME,
    })
}
