//! A fuzzer's bytes, taken from the front.

/// What is left of them. Where there is nothing left, zeros and empty blocks are taken.
#[derive(Clone, Debug)]
pub(crate) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next byte.
    pub(crate) fn byte(&mut self) -> u8 {
        let [byte] = self.array();
        byte
    }

    /// The next bytes, filled up with zeros.
    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        for (to, from) in array.iter_mut().zip(self.take(N)) {
            *to = *from;
        }
        array
    }

    /// A length in one byte, and so many bytes, or those that are left.
    pub(crate) fn block(&mut self) -> &'a [u8] {
        let length = self.byte();
        self.take(usize::from(length))
    }

    /// Everything that is left.
    pub(crate) fn remainder(&mut self) -> &'a [u8] {
        self.take(usize::MAX)
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        taken
    }
}

/// The one that a byte stands for, counted round and round; `default` when there is none.
pub(crate) fn pick<T: Copy>(of: &[T], from: u8, default: T) -> T {
    let index = usize::from(from).checked_rem(of.len()).unwrap_or(0);
    of.get(index).copied().unwrap_or(default)
}

/// Upper-case hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |digits, byte| {
        digits + &format!("{byte:02X}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_zeros() {
        let mut input = Input::new(&[1, 2, 3, 4, 5, 9, 8]);
        assert_eq!(input.array(), [1]);
        assert_eq!(input.block(), [3, 4]);
        assert_eq!(input.block(), [9, 8]);
        assert!(input.is_empty());
        assert_eq!((input.byte(), input.array::<2>()), (0, [0, 0]));
        assert_eq!(input.block(), [0; 0]);
    }
}
