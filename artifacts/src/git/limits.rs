//! How much of a machine one repository may take.

use std::time::Duration;

/// What a mirror may cost. Beyond it a call ends with [`super::GitError::TooLarge`] or
/// [`super::GitError::Deadline`], and what was there before stays.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The mirror on disk, and so what one fetch may bring.
    pub disk_bytes: u64,
    /// What one process may have in memory, as the system counts address space.
    pub memory_bytes: u64,
    /// Branches and tags that the server tells of.
    pub refs: usize,
    /// Files below the folders that are asked for.
    pub files: usize,
    /// One file.
    pub file_bytes: u64,
    /// All files of one call.
    pub total_bytes: u64,
    /// Paths that a change names one by one.
    pub changed_paths: usize,
    /// Asking for the refs.
    pub refs_deadline: Duration,
    pub fetch_deadline: Duration,
    /// Reading what is there.
    pub read_deadline: Duration,
}

const MIB: u64 = 1024 * 1024;

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            disk_bytes: 2 * 1024 * MIB,
            memory_bytes: 4 * 1024 * MIB,
            refs: 50_000,
            files: 50_000,
            file_bytes: 2 * MIB,
            total_bytes: 10 * MIB,
            changed_paths: 1_000,
            refs_deadline: Duration::from_secs(30),
            fetch_deadline: Duration::from_secs(5 * 60),
            read_deadline: Duration::from_secs(20),
        }
    }
}
