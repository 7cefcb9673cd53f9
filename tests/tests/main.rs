//! The integration tests, one binary: what needs the whole program or the whole workspace.

mod imports;
mod malformed;
mod program;
mod recovery;
