//! Every operation of the API, as one table.
//!
//! A new operation is one row here and its handler. The router's routes, the permission a caller
//! needs, the rate limit that counts and the names in metrics and documents follow from the row.

use axum::{
    Router,
    http::Method,
    middleware::from_fn_with_state,
    routing::{MethodFilter, MethodRouter, on},
};
use terminal_host::transaction::Kind;

use crate::{
    device, granular, guard, listing, metrics, openapi::exchange::Exchange, router::Api, session,
    settlements, transactions,
};

pub use crate::{group::Group, openapi::tag::Tag, permission::Permission};

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// The `operationId` of the reference, and the name in logs and metrics.
    pub id: &'static str,
    /// The method.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// The chapter of the reference.
    pub tag: Tag,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// The limit that its requests count in.
    pub group: Group,
    /// What a caller must be permitted.
    pub permission: Permission,
    /// The status of success.
    pub success: u16,
    /// The action of a session that does the same.
    pub action: Option<&'static str>,
    /// What it takes and answers, for the documents.
    pub(crate) exchange: fn() -> Exchange,
    handler: fn(MethodFilter) -> MethodRouter<Api>,
}

/// What is for the operator and not for points of sale: outside the reference and its documents.
static GET_METRICS: Operation = Operation {
    id: "getMetrics",
    method: Method::GET,
    path: "/metrics",
    tag: Tag::Device,
    summary: "Show figures for Prometheus",
    group: Group::Device,
    permission: Permission::TerminalRead,
    success: 200,
    action: None,
    exchange: || Exchange::file(&["text/plain"]),
    handler: |method| on(method, metrics::show),
};

impl Operation {
    /// The operation that an action of a session does.
    pub fn of_action(action: &str) -> Option<&'static Self> {
        OPERATIONS
            .iter()
            .find(|operation| operation.action == Some(action))
    }
}

/// Every operation this terminal has, in the order of the reference.
pub static OPERATIONS: &[Operation] = &[
    Operation {
        id: "createSale",
        method: Method::POST,
        path: "/v1/transaction/sale",
        tag: Tag::Transactions,
        summary: "Sell, and answer with the end",
        group: Group::Transaction,
        permission: Permission::TransactionsWrite,
        success: 200,
        action: Some("sale"),
        exchange: || transactions::exchange(Kind::Sale),
        handler: |method| transactions::creating(method, Kind::Sale),
    },
    Operation {
        id: "createRefund",
        method: Method::POST,
        path: "/v1/transaction/refund",
        tag: Tag::Transactions,
        summary: "Give money back of an earlier sale",
        group: Group::Transaction,
        permission: Permission::TransactionsWrite,
        success: 200,
        action: None,
        exchange: || transactions::exchange(Kind::Refund),
        handler: |method| transactions::creating(method, Kind::Refund),
    },
    Operation {
        id: "createVoid",
        method: Method::POST,
        path: "/v1/transaction/void",
        tag: Tag::Transactions,
        summary: "Undo a transaction of the open batch",
        group: Group::Transaction,
        permission: Permission::TransactionsWrite,
        success: 200,
        action: None,
        exchange: || transactions::exchange(Kind::Void),
        handler: |method| transactions::creating(method, Kind::Void),
    },
    Operation {
        id: "createPreAuth",
        method: Method::POST,
        path: "/v1/transaction/pre-auth",
        tag: Tag::Transactions,
        summary: "Reserve an amount",
        group: Group::Transaction,
        permission: Permission::TransactionsWrite,
        success: 200,
        action: Some("pre_auth"),
        exchange: || transactions::exchange(Kind::PreAuth),
        handler: |method| transactions::creating(method, Kind::PreAuth),
    },
    Operation {
        id: "completePreAuth",
        method: Method::POST,
        path: "/v1/transaction/pre-auth/complete",
        tag: Tag::Transactions,
        summary: "Take what was reserved, or a part of it",
        group: Group::Transaction,
        permission: Permission::TransactionsWrite,
        success: 200,
        action: None,
        exchange: || transactions::exchange(Kind::PreAuthComplete),
        handler: |method| transactions::creating(method, Kind::PreAuthComplete),
    },
    Operation {
        id: "createCardRead",
        method: Method::POST,
        path: "/v1/transaction/card-read",
        tag: Tag::Transactions,
        summary: "Read a card, and take no money",
        group: Group::Transaction,
        permission: Permission::TransactionsWrite,
        success: 200,
        action: Some("card_read"),
        exchange: || transactions::exchange(Kind::CardRead),
        handler: |method| transactions::creating(method, Kind::CardRead),
    },
    Operation {
        id: "createBalanceInquiry",
        method: Method::POST,
        path: "/v1/transaction/balance-inquiry",
        tag: Tag::Transactions,
        summary: "Ask what an account holds",
        group: Group::Transaction,
        permission: Permission::TransactionsWrite,
        success: 200,
        action: None,
        exchange: || transactions::exchange(Kind::BalanceInquiry),
        handler: |method| transactions::creating(method, Kind::BalanceInquiry),
    },
    Operation {
        id: "initiateTransaction",
        method: Method::POST,
        path: granular::INITIATE_PATH,
        tag: Tag::GranularMode,
        summary: "Read a card, and ask the point of sale for the decision",
        group: Group::Transaction,
        permission: Permission::TransactionsWrite,
        success: 200,
        action: None,
        exchange: granular::initiate_exchange,
        handler: |method| on(method, granular::initiate),
    },
    Operation {
        id: "completeTransaction",
        method: Method::POST,
        path: "/v1/transaction/complete",
        tag: Tag::GranularMode,
        summary: "Decide a transaction, and answer with its end",
        group: Group::Transaction,
        permission: Permission::TransactionsWrite,
        success: 200,
        action: Some("complete"),
        exchange: granular::complete_exchange,
        handler: |method| on(method, granular::complete),
    },
    Operation {
        id: "listTransactions",
        method: Method::GET,
        path: "/v1/transactions",
        tag: Tag::TransactionManagement,
        summary: "List transactions, the newest first",
        group: Group::LookUp,
        permission: Permission::TerminalRead,
        success: 200,
        action: None,
        exchange: listing::transactions_exchange,
        handler: |method| on(method, listing::transactions),
    },
    Operation {
        id: "getTransaction",
        method: Method::GET,
        path: "/v1/transaction/{transactionId}",
        tag: Tag::TransactionManagement,
        summary: "Show a transaction as it is now",
        group: Group::LookUp,
        permission: Permission::TerminalRead,
        success: 200,
        action: None,
        exchange: transactions::show_exchange,
        handler: |method| on(method, transactions::show),
    },
    Operation {
        id: "abortTransaction",
        method: Method::POST,
        path: "/v1/transaction/{transactionId}/abort",
        tag: Tag::TransactionManagement,
        summary: "Abort the running transaction",
        group: Group::Abort,
        permission: Permission::TransactionsWrite,
        success: 200,
        action: Some("abort"),
        exchange: transactions::abort_exchange,
        handler: |method| on(method, transactions::abort),
    },
    Operation {
        id: "getDeviceHealth",
        method: Method::GET,
        path: "/v1/device/health",
        tag: Tag::Device,
        summary: "Probe the terminal",
        group: Group::Device,
        permission: Permission::TerminalRead,
        success: 200,
        action: None,
        exchange: device::health_exchange,
        handler: |method| on(method, device::health),
    },
    Operation {
        id: "displayOnTerminal",
        method: Method::POST,
        path: "/v1/device/display",
        tag: Tag::DeviceInteraction,
        summary: "Show a text",
        group: Group::Device,
        permission: Permission::TerminalWrite,
        success: 200,
        action: Some("display"),
        exchange: device::display_exchange,
        handler: |method| on(method, device::display),
    },
    Operation {
        id: "requestInput",
        method: Method::POST,
        path: "/v1/device/input",
        tag: Tag::DeviceInteraction,
        summary: "Ask the cardholder, and answer with the answer",
        group: Group::Device,
        permission: Permission::TerminalWrite,
        success: 200,
        action: Some("input"),
        exchange: device::input_exchange,
        handler: |method| on(method, device::input),
    },
    Operation {
        id: "printOnTerminal",
        method: Method::POST,
        path: "/v1/device/print",
        tag: Tag::DeviceInteraction,
        summary: "Print a text",
        group: Group::Device,
        permission: Permission::TerminalWrite,
        success: 200,
        action: None,
        exchange: device::print_exchange,
        handler: |method| on(method, device::print),
    },
    Operation {
        id: "getTransactionTotals",
        method: Method::GET,
        path: "/v1/totals",
        tag: Tag::Reconciliation,
        summary: "Add up the open batch",
        group: Group::Settlement,
        permission: Permission::TerminalRead,
        success: 200,
        action: None,
        exchange: settlements::totals_exchange,
        handler: |method| on(method, settlements::totals),
    },
    Operation {
        id: "performReconciliation",
        method: Method::POST,
        path: "/v1/reconciliation",
        tag: Tag::Reconciliation,
        summary: "Add up the open batch, or close it with the acquirer",
        group: Group::Settlement,
        permission: Permission::TerminalWrite,
        success: 200,
        action: None,
        exchange: settlements::reconciliation_exchange,
        handler: |method| on(method, settlements::reconciliation),
    },
    Operation {
        id: "listSettlements",
        method: Method::GET,
        path: "/v1/settlements",
        tag: Tag::Reconciliation,
        summary: "List settlements, the newest first",
        group: Group::Settlement,
        permission: Permission::TerminalRead,
        success: 200,
        action: None,
        exchange: settlements::list_exchange,
        handler: |method| on(method, settlements::list),
    },
    Operation {
        id: "getSettlement",
        method: Method::GET,
        path: "/v1/settlements/{settlementId}",
        tag: Tag::Reconciliation,
        summary: "Show a settlement",
        group: Group::Settlement,
        permission: Permission::TerminalRead,
        success: 200,
        action: None,
        exchange: settlements::show_exchange,
        handler: |method| on(method, settlements::show),
    },
    Operation {
        id: "listSettlementTransactions",
        method: Method::GET,
        path: "/v1/settlements/{settlementId}/transactions",
        tag: Tag::Reconciliation,
        summary: "List a settlement's transactions, the oldest first",
        group: Group::Settlement,
        permission: Permission::TerminalRead,
        success: 200,
        action: None,
        exchange: settlements::transactions_exchange,
        handler: |method| on(method, settlements::transactions),
    },
    Operation {
        id: "exportSettlement",
        method: Method::GET,
        path: "/v1/settlements/{settlementId}/export",
        tag: Tag::Reconciliation,
        summary: "Write a settlement's transactions to a file",
        group: Group::Settlement,
        permission: Permission::TerminalRead,
        success: 200,
        action: None,
        exchange: settlements::export_exchange,
        handler: |method| on(method, settlements::export),
    },
    Operation {
        id: "openSession",
        method: Method::GET,
        path: "/v1/session",
        tag: Tag::WebSocket,
        summary: "Drive and watch transactions over a WebSocket",
        group: Group::Device,
        permission: Permission::TerminalRead,
        success: 101,
        action: None,
        exchange: session::exchange,
        handler: |method| on(method, session::open),
    },
];

/// The routes of every operation, each behind its own guard.
pub(crate) fn routes(api: &Api) -> Router<Api> {
    let all = OPERATIONS.iter().chain([&GET_METRICS]);
    all.fold(Router::new(), |router, operation| {
        // The table holds only methods that a filter has; a test walks it.
        let filter = MethodFilter::try_from(operation.method.clone()).unwrap_or(MethodFilter::GET);
        let guard = from_fn_with_state(guard::Guard::new(api.clone(), operation), guard::admit);
        router.route(
            operation.path,
            (operation.handler)(filter).route_layer(guard),
        )
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_is_an_operation_of_its_own() {
        let mut ids = BTreeSet::new();
        let mut routes = BTreeSet::new();
        let mut actions = BTreeSet::new();
        for operation in OPERATIONS {
            assert!(ids.insert(operation.id), "{}", operation.id);
            assert!(
                routes.insert((operation.path, operation.method.as_str())),
                "{}",
                operation.id
            );
            assert!(MethodFilter::try_from(operation.method.clone()).is_ok());
            assert!(operation.path.starts_with("/v1/"), "{}", operation.path);
            if let Some(action) = operation.action {
                assert!(actions.insert(action), "{action}");
                let found = Operation::of_action(action).map(|found| found.id);
                assert_eq!(found, Some(operation.id));
            }
        }
    }
}
