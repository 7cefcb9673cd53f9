//! The integration tests, one binary: what needs the whole program, the whole workspace or a cluster.

mod api;
mod cluster;
mod delivery;
mod doors;
mod examples;
mod faults;
mod http;
mod imports;
mod jobs;
mod kills;
mod malformed;
mod outage;
mod people;
mod program;
mod recovery;
mod remote;
mod reruns;
mod schema;
mod secrets;
mod server;
mod snapshots;
mod stream;
mod turns;
mod ways_back;
mod why;
mod wire;
