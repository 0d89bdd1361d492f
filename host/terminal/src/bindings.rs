//! The boundary as Rust: the only `bindgen!` of the host.
#![expect(
    missing_docs,
    reason = "generated from wit/, where every item is documented"
)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "payment-engine",
    imports: { default: async | trappable },
    exports: { default: async },
    with: {
        "terminal:card-reader/card-reader.card": crate::card_reader::ActiveCard,
        "terminal:pin-entry/pin-entry.entered-pin": crate::pin_entry::EnteredPin,
    },
});
