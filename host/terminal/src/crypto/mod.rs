//! The terminal's keys for the guest: every call goes to the vault.

mod host;
