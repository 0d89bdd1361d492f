//! The engine as a component: joins `engine` to the boundary in `wit/`.
//!
//! No logic: each function of the world is one line here, and `convert` changes records of the one
//! side into records of the other. The bindings are the only generated code of the guest.

mod bindings;
mod convert;
mod ports;

use bindings::exports::terminal::engine::transactions as wit;
use convert::transactions as convert_transactions;
use ports::Imports;

/// The component.
#[derive(Debug)]
pub struct Component;

impl wit::Guest for Component {
    fn run(request: wit::TransactionRequest) -> Result<wit::Outcome, wit::ErrorCode> {
        let request = convert_transactions::request(request)?;
        engine::run(&mut Imports, &request)
            .map(convert_transactions::outcome)
            .map_err(convert_transactions::error)
    }

    fn recover(now: wit::Moment) -> Result<wit::Recovery, wit::ErrorCode> {
        let now = convert_transactions::moment(now)?;
        engine::recover(&mut Imports, now)
            .map(convert_transactions::recovery)
            .map_err(convert_transactions::error)
    }

    fn reconcile(
        now: wit::Moment,
        batch: wit::Batch,
    ) -> Result<Vec<wit::Reconciled>, wit::ErrorCode> {
        let now = convert_transactions::moment(now)?;
        let batch = convert_transactions::batch(batch);
        engine::reconcile(&mut Imports, now, &batch)
            .map(convert_transactions::reconciled)
            .map_err(convert_transactions::error)
    }

    fn describe() -> wit::Description {
        convert_transactions::description(engine::describe())
    }

    fn self_test() -> Vec<wit::Check> {
        engine::self_test()
            .into_iter()
            .map(convert_transactions::check)
            .collect()
    }
}
