//! The integration tests, one binary: what needs the whole program, the whole workspace or a cluster.

mod cluster;
mod delivery;
mod examples;
mod faults;
mod http;
mod imports;
mod kills;
mod malformed;
mod outage;
mod people;
mod program;
mod recovery;
mod reruns;
mod schema;
mod server;
mod turns;
