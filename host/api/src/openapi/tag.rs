//! The chapters of the documents.

/// The chapters of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tag {
    /// Transactions that the terminal routes to its acquirer.
    Transactions,
    /// Transactions that the point of sale routes to its own acquirer.
    GranularMode,
    /// Looking up and aborting.
    TransactionManagement,
    /// The terminal's state.
    Device,
    /// What the terminal shows, asks and prints.
    DeviceInteraction,
    /// Totals, day's end, settlements.
    Reconciliation,
    /// The session.
    WebSocket,
}

impl Tag {
    /// Every chapter, in the order of the reference.
    pub(super) const ALL: [Self; 7] = [
        Self::Transactions,
        Self::GranularMode,
        Self::TransactionManagement,
        Self::Device,
        Self::DeviceInteraction,
        Self::Reconciliation,
        Self::WebSocket,
    ];

    /// The chapter's title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Transactions => "Transactions",
            Self::GranularMode => "Granular Mode",
            Self::TransactionManagement => "Transaction Management",
            Self::Device => "Device",
            Self::DeviceInteraction => "Device Interaction",
            Self::Reconciliation => "Reconciliation",
            Self::WebSocket => "WebSocket Stream",
        }
    }

    /// What it is about.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Transactions => "Transactions that the terminal routes to its acquirer.",
            Self::GranularMode => "Transactions that the point of sale routes to its own acquirer.",
            Self::TransactionManagement => "Looking up and aborting.",
            Self::Device => "The terminal's state.",
            Self::DeviceInteraction => "What the terminal shows, asks and prints.",
            Self::Reconciliation => "Totals, the day's end, settlements.",
            Self::WebSocket => "The session; see `/asyncapi.json`.",
        }
    }
}
