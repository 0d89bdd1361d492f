//! The engine: verified, compiled, and called in a fresh sandbox each time.

mod budget;
mod cache;
mod precompiled;

use std::{collections::BTreeSet, sync::Mutex, time::Duration};

use cap_std::fs::Dir;
use ring::{digest, signature};
use vault::Vault;
use wasmtime::{
    CallHook, Config, Store, Trap,
    component::{Component, Linker},
};

use self::budget::{Budget, Overrun};
use crate::{
    bindings::{
        PaymentEngine, PaymentEnginePre,
        exports::terminal::engine::transactions::{
            Batch, Description, ErrorCode, Moment, Outcome, Reconciled, Recovery,
            TransactionRequest,
        },
    },
    config::EngineFile,
    observer::Point,
    parameters::to_hex,
    recording::Boundary,
};

/// Everything a guest may import, as `wit/world.wit` lists it.
///
/// Compared name by name: the linker's own match would take another compatible version.
const WORLD: [&str; 10] = [
    "terminal:parameters/parameters@0.1.0",
    "terminal:card-reader/card-reader@0.1.0",
    "terminal:pin-entry/pin-entry@0.1.0",
    "terminal:crypto/crypto@0.1.0",
    "terminal:display/display@0.1.0",
    "terminal:printer/printer@0.1.0",
    "terminal:point-of-sale/point-of-sale@0.1.0",
    "terminal:acquirer-link/acquirer-link@0.1.0",
    "terminal:journal/journal@0.1.0",
    "terminal:trace/trace@0.1.0",
];

/// How often the epoch advances.
const TICK: Duration = Duration::from_millis(10);

/// How many ticks a guest may compute between two calls of the host: one second.
const TICKS_MAX: u64 = 100;

/// The guest's stack; deep recursion ends here with a trap.
const STACK_LENGTH_MAX: usize = 512 * 1024;

/// The stack of a call: the guest's, and the host functions on top of it.
const CALL_STACK_LENGTH: usize = 2 * 1024 * 1024;

pub(crate) use self::budget::CALL_MAX;

/// What a call of the guest gave: its answer, or that it had to be stopped.
pub(crate) type Call<T> = Result<Result<T, ErrorCode>, GuestFault>;

/// Why a guest was stopped. Its store is gone; the journal holds what it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GuestFault {
    /// It broke a rule, ran out of memory or stack, or could not be started.
    #[error("the engine trapped")]
    Trap,
    /// It computed for too long without calling the host.
    #[error("the engine ran out of time")]
    OutOfTime,
}

/// Why an engine was not loaded. None of its code has run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EngineRefused {
    /// The signature is not the trusted key's over these bytes.
    #[error("the signature is not that of the trusted key")]
    Signature,
    /// It imports what the world does not list.
    #[error("it imports `{0}`, which the world does not list")]
    Import(String),
    /// It is no component of this world, or cannot be compiled.
    #[error("it is no component of this world")]
    Component,
}

/// A verified engine, compiled and linked once.
pub(crate) struct Engine {
    runtime: wasmtime::Engine,
    guest: PaymentEnginePre<Boundary>,
    digest: String,
}

impl Engine {
    /// Verifies, compiles or takes from the cache, checks the imports and links.
    ///
    /// Invariant: bytes whose signature does not verify are never compiled.
    pub(crate) fn load(
        file: &EngineFile,
        files: &Dir,
        vault: &Mutex<Vault>,
    ) -> Result<Self, EngineRefused> {
        signature::UnparsedPublicKey::new(&signature::ED25519, &file.trusted_key)
            .verify(&file.component, &file.signature)
            .map_err(|_| EngineRefused::Signature)?;
        let engine = wasmtime::Engine::new(&configuration()).map_err(refused)?;
        let (component, origin) = cache::load_or_compile(&engine, &file.component, files, vault)?;
        tracing::info!(?origin, "the engine's native code is there");
        check_imports(&engine, &component)?;
        let mut linker = Linker::new(&engine);
        Boundary::link(&mut linker).map_err(refused)?;
        let instance = linker.instantiate_pre(&component).map_err(refused)?;
        let guest = PaymentEnginePre::new(instance).map_err(refused)?;
        tick(&engine).map_err(|_| EngineRefused::Component)?;
        let digest = digest::digest(&digest::SHA256, &file.component);
        Ok(Self {
            runtime: engine,
            guest,
            digest: to_hex(digest.as_ref()).to_lowercase(),
        })
    }

    /// SHA-256 of the component, in lower-case hexadecimal.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    /// Runs one transaction in a sandbox of its own.
    pub(crate) async fn run(
        &self,
        boundary: Boundary,
        request: &TransactionRequest,
    ) -> Call<Outcome> {
        let (mut store, guest) = self.instantiate(boundary).await?;
        let call = guest
            .terminal_engine_transactions()
            .call_run(&mut store, request)
            .await;
        call.map_err(|error| fault(&error))
    }

    /// Settles what the journal holds open, in a sandbox of its own.
    pub(crate) async fn recover(&self, boundary: Boundary, now: Moment) -> Call<Recovery> {
        let (mut store, guest) = self.instantiate(boundary).await?;
        let call = guest
            .terminal_engine_transactions()
            .call_recover(&mut store, now)
            .await;
        call.map_err(|error| fault(&error))
    }

    /// Closes a batch with the acquirer, in a sandbox of its own.
    pub(crate) async fn reconcile(
        &self,
        boundary: Boundary,
        now: Moment,
        batch: &Batch,
    ) -> Call<Vec<Reconciled>> {
        let (mut store, guest) = self.instantiate(boundary).await?;
        let call = guest
            .terminal_engine_transactions()
            .call_reconcile(&mut store, now, batch)
            .await;
        call.map_err(|error| fault(&error))
    }

    /// Asks the engine who it is.
    pub(crate) async fn describe(&self, boundary: Boundary) -> Result<Description, GuestFault> {
        let (mut store, guest) = self.instantiate(boundary).await?;
        let call = guest
            .terminal_engine_transactions()
            .call_describe(&mut store)
            .await;
        call.map_err(|error| fault(&error))
    }

    /// A fresh sandbox, and the engine in it.
    pub(crate) async fn instantiate(
        &self,
        boundary: Boundary,
    ) -> Result<(Store<Boundary>, PaymentEngine), GuestFault> {
        let mut store = Store::new(&self.runtime, boundary);
        store.limiter(|boundary| &mut boundary.limits);
        store.set_epoch_deadline(TICKS_MAX);
        let mut budget = Budget::new();
        store.call_hook(move |mut context, hook| {
            budget.cross(hook)?;
            match hook {
                CallHook::CallingHost => context.data().at(Point::HostCall),
                CallHook::ReturningFromHost => {
                    context.data().at(Point::HostReturn);
                    // Only the guest's own computing counts, not what the host waited for.
                    context.set_epoch_deadline(TICKS_MAX);
                }
                // Also where the host asks the guest for memory to put an answer in, after a wait
                // and before it returns.
                CallHook::CallingWasm => context.set_epoch_deadline(TICKS_MAX),
                CallHook::ReturningFromWasm => {}
            }
            Ok(())
        });
        let guest = self
            .guest
            .instantiate_async(&mut store)
            .await
            .map_err(|error| fault(&error))?;
        Ok((store, guest))
    }
}

fn configuration() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .max_wasm_stack(STACK_LENGTH_MAX)
        .async_stack_size(CALL_STACK_LENGTH);
    config
}

/// Advances the epoch on a thread of its own, until the engine is dropped.
fn tick(engine: &wasmtime::Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("engine-epoch".into())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        })?;
    Ok(())
}

/// Refuses a component that imports one name more than the world lists.
fn check_imports(engine: &wasmtime::Engine, component: &Component) -> Result<(), EngineRefused> {
    let world = BTreeSet::from(WORLD);
    let component_type = component.component_type();
    let extra = component_type
        .imports(engine)
        .map(|(name, _)| name)
        .find(|name| !world.contains(name));
    extra.map_or(Ok(()), |name| Err(EngineRefused::Import(name.into())))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "used as the argument of map_err"
)]
fn refused(error: wasmtime::Error) -> EngineRefused {
    tracing::error!(%error, "the engine was refused");
    EngineRefused::Component
}

fn fault(error: &wasmtime::Error) -> GuestFault {
    let trap = error.downcast_ref::<Trap>();
    let overrun = error.downcast_ref::<Overrun>();
    // The error's text may hold what the guest wrote; the trap's code cannot.
    tracing::error!(?trap, ?overrun, "the engine was stopped: guest fault");
    if trap == Some(&Trap::Interrupt) || overrun == Some(&Overrun::Time) {
        GuestFault::OutOfTime
    } else {
        GuestFault::Trap
    }
}

#[cfg(test)]
mod tests;
