//! To be written.
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "payment-engine",
        generate_all,
        pub_export_macro: true,
    });
}
