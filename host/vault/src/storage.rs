//! Where the sealed key file lies.

/// Where the sealed key file lies. Given by the embedder.
///
/// The content is sealed: it can be read by anyone and changed by no one unnoticed. What sealing
/// cannot notice is an *older* file of the same device put back in place. DUKPT counters would run
/// again from there and serial numbers would repeat, with the keys they name: the acquirer sees a
/// serial number that does not rise and refuses the transaction, but whoever put the file back has
/// the keys that were erased since, so that what they protected can be deciphered again. A device
/// that must withstand this keeps the file on storage with a replay-protected write counter, as
/// RPMB in eMMC has, and lets `read` fail when the counter disagrees.
pub trait Storage: Send {
    /// Reads the whole file; `None` when there is none yet. A file that is there and cannot be
    /// read is an error, never `None`: the vault begins an empty file on `None`.
    fn read(&self) -> std::io::Result<Option<Vec<u8>>>;

    /// Replaces the whole file. Durable and atomic: after a crash the old or the new bytes are
    /// there. When it fails, either may be there as well.
    fn replace(&self, content: &[u8]) -> std::io::Result<()>;
}
