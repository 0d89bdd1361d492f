//! The host's bindings under the names of the guest's.

pub(crate) use terminal_host::bindings::exports;

pub(crate) mod terminal {
    pub(crate) use terminal_host::bindings::terminal::{
        acquirer_link, crypto, display, journal, parameters, pin_entry, point_of_sale, printer,
        trace,
    };

    pub(crate) mod card_reader {
        pub(crate) use terminal_host::bindings::card_reader;
    }
}
