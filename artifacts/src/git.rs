//! Repositories that others write, as bare mirrors: fetched by spawned `git`, read from its objects.
//!
//! Nothing is ever checked out. Every name that comes from outside is parsed before git sees it, every
//! call has a deadline and a bound on what it may print, and a mirror is bounded in size.

mod blobs;
mod changes;
mod credentials;
mod environment;
mod error;
mod history;
mod leftovers;
mod limits;
mod mirror;
mod name;
mod output;
mod path;
mod process;
mod remote;
mod tree;
mod upkeep;
mod url;

pub use blobs::{Blob, Blobs};
pub use changes::ChangedPaths;
pub use credentials::{Credentials, Secret, SshKey};
pub use error::{GitError, Limited};
pub use history::{Ancestry, Commit, CommitRange, Person, Resolved};
pub use limits::Limits;
pub use mirror::{Mirror, Origin, discard};
pub use name::{NameError, ObjectId, RefKind, RefName};
pub use path::{PathError, PathPattern};
pub use process::{Capacity, Git};
pub use remote::{Fetched, RefChange, Refs};
pub use tree::{Entry, Refusal, Refused, Tree};
pub use upkeep::Upkeep;
pub use url::{Allowance, Identity, RemoteUrl, Scheme, UrlError};
