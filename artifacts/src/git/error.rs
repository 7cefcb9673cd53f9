//! What can go wrong with a repository, told apart by what a caller can do about it.

mod classify;

pub(super) use classify::{of_local, of_remote};

/// Messages are of one line and have no secret in them. What a server says in them is cut and cleaned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// Nobody answered, or not as git does: try again later.
    #[error("the repository cannot be reached: {message}")]
    Unreachable { message: String },
    /// Trying again with the same credentials is of no use.
    #[error("the credentials are not accepted: {message}")]
    Unauthorised { message: String },
    /// Who answers is not who was meant: a certificate, or a host key.
    #[error("the server is not trusted: {message}")]
    Untrusted { message: String },
    /// The server sends us elsewhere; credentials do not follow.
    #[error("the repository has moved, write its new address: {message}")]
    Moved { message: String },
    #[error("there is no such repository, or it is hidden from these credentials: {message}")]
    NoSuchRepository { message: String },
    /// The server had this ref a moment ago, or never.
    #[error("the repository has no such branch or tag: {message}")]
    NoSuchRef { message: String },
    /// The mirror has no such object: it was never fetched, or is reachable from nothing.
    #[error("{id} is not in the mirror: it was never fetched, or no branch has led to it")]
    NoSuchObject { id: String },
    #[error("{what} is not what was expected: {found}")]
    NotOfThisKind { what: String, found: String },
    #[error("the repository is too large: {limited}")]
    TooLarge { limited: Limited },
    #[error("git was stopped after {seconds} s; it was at `{doing}`")]
    Deadline { seconds: u64, doing: &'static str },
    /// The server sent what git refuses.
    #[error("what the server sent is refused: {message}")]
    Refused { message: String },
    /// The mirror on disk cannot be used: discard it and fetch anew.
    #[error("the mirror is damaged: {message}")]
    Damaged { message: String },
    /// This machine: no git, no room, no permission.
    #[error("git cannot work here: {message}")]
    Machine { message: String },
}

/// Which bound was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Limited {
    #[error("more than {limit} bytes on disk")]
    Disk { limit: u64 },
    #[error("more than {limit} bytes of memory for one call")]
    Memory { limit: u64 },
    #[error("more than {limit} branches and tags")]
    Refs { limit: usize },
    #[error("more than {limit} files where they are looked for")]
    Files { limit: usize },
    #[error("more than {limit} bytes in all files that were asked for")]
    Total { limit: u64 },
    #[error("git said more than {limit} bytes")]
    Output { limit: usize },
}

impl GitError {
    /// Whether the same call may succeed later with nothing changed here.
    pub fn may_pass(&self) -> bool {
        match self {
            GitError::Unreachable { .. }
            | GitError::NoSuchRef { .. }
            | GitError::Deadline { .. } => true,
            GitError::Unauthorised { .. }
            | GitError::Untrusted { .. }
            | GitError::Moved { .. }
            | GitError::NoSuchRepository { .. }
            | GitError::NoSuchObject { .. }
            | GitError::NotOfThisKind { .. }
            | GitError::TooLarge { .. }
            | GitError::Refused { .. }
            | GitError::Damaged { .. }
            | GitError::Machine { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests;
