//! Who the engine is.

/// The version of `terminal:engine` this engine was built for.
const BOUNDARY: &str = "0.1.0";

/// Who the engine is, as `wit/transactions.wit` reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Description {
    /// The engine's name.
    pub name: &'static str,
    /// Its version (Semantic Versioning).
    pub version: &'static str,
    /// The version of `terminal:engine` it was built for.
    pub boundary: &'static str,
    /// The kernels inside, name and version.
    pub kernels: &'static [(&'static str, &'static str)],
}

/// Says who the engine is. Uses no port.
pub const fn describe() -> Description {
    Description {
        name: "tenon-engine",
        version: env!("CARGO_PKG_VERSION"),
        boundary: BOUNDARY,
        // The kernel is a crate of the same workspace and bears the workspace's version.
        kernels: &[("emv-contact", env!("CARGO_PKG_VERSION"))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_is_the_one_the_world_declares() {
        let world = include_str!("../../../wit/world.wit");
        assert!(world.starts_with(&format!("package terminal:engine@{};", describe().boundary)));
        assert!(!describe().kernels.is_empty());
    }
}
