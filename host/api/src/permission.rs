//! What a caller may be permitted.

/// What a caller may be permitted: the scopes of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Read: health, transactions, totals, settlements, the events of a session.
    TerminalRead,
    /// Use the terminal without a payment: display, input, print, reconciliation.
    TerminalWrite,
    /// Start, complete and abort transactions.
    TransactionsWrite,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 3] = [
        Self::TerminalRead,
        Self::TerminalWrite,
        Self::TransactionsWrite,
    ];

    /// The scope's name in tokens and key files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TerminalRead => "terminal:read",
            Self::TerminalWrite => "terminal:write",
            Self::TransactionsWrite => "transactions:write",
        }
    }

    /// The permission of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|permission| permission.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_have_the_references_names() {
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.as_str()), Some(permission));
        }
        assert_eq!(Permission::parse("terminal:admin"), None);
    }
}
