//! What a caller may do.

use crate::operations::Permission;

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions {
    read: bool,
    write: bool,
    transactions: bool,
}

impl Permissions {
    /// No permission.
    pub const NONE: Self = Self {
        read: false,
        write: false,
        transactions: false,
    };

    /// Every permission.
    pub const ALL: Self = Self {
        read: true,
        write: true,
        transactions: true,
    };

    /// This set and one more.
    #[must_use]
    pub fn with(mut self, permission: Permission) -> Self {
        match permission {
            Permission::TerminalRead => self.read = true,
            Permission::TerminalWrite => self.write = true,
            Permission::TransactionsWrite => self.transactions = true,
        }
        self
    }

    /// Whether the set has this one.
    pub fn has(self, permission: Permission) -> bool {
        match permission {
            Permission::TerminalRead => self.read,
            Permission::TerminalWrite => self.write,
            Permission::TransactionsWrite => self.transactions,
        }
    }

    /// The set's members, in order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .into_iter()
            .filter(move |permission| self.has(*permission))
    }

    /// The scopes of a token, separated by blanks. One that means nothing here permits nothing:
    /// the same token may open other services.
    pub(crate) fn of_scope(scope: &str) -> Self {
        scope.split(' ').filter_map(Permission::parse).collect()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_permits_what_it_names_and_nothing_else() {
        use Permission::{TerminalRead, TerminalWrite, TransactionsWrite};
        let cases: [(&str, &[Permission]); 6] = [
            ("", &[]),
            ("terminal:read", &[TerminalRead]),
            (
                "transactions:write terminal:write",
                &[TerminalWrite, TransactionsWrite],
            ),
            ("terminal:readx Terminal:read", &[]),
            ("profile  terminal:read", &[TerminalRead]),
            ("terminal:read,terminal:write", &[]),
        ];
        for (scope, expected) in cases {
            let permissions = Permissions::of_scope(scope);
            assert_eq!(permissions.iter().collect::<Vec<_>>(), expected, "{scope}");
        }
        assert_eq!(Permissions::ALL.iter().count(), Permission::ALL.len());
    }
}
